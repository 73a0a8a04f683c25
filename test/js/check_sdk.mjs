// Runs the unmodified @wix/sdk against a fake Wix: node check_sdk.mjs <url of the fake>
// The certificate authority comes in through NODE_EXTRA_CA_CERTS.
import assert from 'node:assert/strict';

const fakeUrl = process.argv[2];
const clientId = '11111111-2222-3333-4444-555555555555';
const storesAppId = '215238eb-22a5-4c36-9e7b-e7c08025e04e';
const espressoCup = 'a0000000-0000-4000-8000-000000000002';
const woolSocks = 'a0000000-0000-4000-8000-000000000006'; // sold out

// Wix's hosts are reached at the fake's address; nothing else of a request changes.
const hosts = [];
const realFetch = globalThis.fetch;
globalThis.fetch = (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input);
  if (['www.wixapis.com', 'edge.wixapis.com'].includes(url.host)) {
    hosts.push(url.host);
    url.host = new URL(fakeUrl).host;
  }
  const timely = { signal: AbortSignal.timeout(10_000), ...init };
  return realFetch(input instanceof Request ? new Request(url, input) : url, timely);
};

const { createClient, OAuthStrategy } = await import('@wix/sdk');
const currentCart = await import('@wix/auto_sdk_ecom_current-cart');
const products = await import('@wix/auto_sdk_stores_products');
const productsV3 = await import('@wix/auto_sdk_stores_products-v-3');

const newClient = (tokens) =>
  createClient({ modules: { currentCart, products, productsV3 }, auth: OAuthStrategy({ clientId, tokens }) });
const state = async () => (await realFetch(`${fakeUrl}/_fake/state`)).json();
const configure = async (body) => {
  const reply = await realFetch(`${fakeUrl}/_fake/config`, { method: 'POST', body: JSON.stringify(body) });
  assert.equal(reply.status, 200, await reply.text());
};
const lineItem = (catalogItemId, quantity) => ({ catalogReference: { appId: storesAppId, catalogItemId }, quantity });

const check = async (name, body) => {
  await body();
  console.log(`ok ${name}`);
};

const client = newClient();
let tokens;

await check('generateVisitorTokens starts a visitor', async () => {
  tokens = await client.auth.generateVisitorTokens();
  assert.match(tokens.accessToken.value, /^OauthNG\.JWS\.[\w-]+\.[\w-]+\.[\w-]+$/);
  assert.match(tokens.refreshToken.value, /^JWS\.[\w-]+\.[\w-]+\.[\w-]+$/);
  assert.equal(tokens.refreshToken.role, 'visitor');
  const left = tokens.accessToken.expiresAt - Date.now() / 1000;
  assert.ok(Math.abs(left - 14400) < 60, `expires in ${left} s`);
  client.auth.setTokens(tokens);
});

await check('renewToken keeps the visitor', async () => {
  const renewed = await client.auth.renewToken(tokens.refreshToken);
  assert.notEqual(renewed.accessToken.value, tokens.accessToken.value);
  assert.equal(renewed.refreshToken.value, tokens.refreshToken.value);
  client.auth.setTokens(renewed);
  assert.deepEqual((await state()).tokens, { anonymous: 1, refresh_token: 1 });
});

await check('renewToken with a bad refresh token throws', async () => {
  await assert.rejects(client.auth.renewToken({ value: 'JWS.a.b.c', role: 'visitor' }));
});

await check('fetchWithAuth queries products', async () => {
  const reply = await client.fetchWithAuth('https://www.wixapis.com/stores-reader/v1/products/query', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: { filter: JSON.stringify({ price: { $lt: 10 } }), paging: { limit: 2 } } }),
  });
  assert.equal(reply.status, 200);
  const found = await reply.json();
  assert.equal(found.products.length, 2);
  assert.equal(found.totalResults, 3);
});

await check('fetchWithAuth finds no cart of a new visitor', async () => {
  const reply = await client.fetchWithAuth('https://www.wixapis.com/ecom/v1/carts/current');
  assert.equal(reply.status, 404);
  assert.equal((await reply.json()).details.applicationError.code, 'OWNED_CART_NOT_FOUND');
});

await check('GET with .r queries Catalog V3', async () => {
  const body = { query: { filter: { slug: { $startsWith: 'e' } }, cursorPaging: { limit: 5 } }, fields: ['CURRENCY'] };
  const packed = Buffer.from(JSON.stringify(body)).toString('base64url');
  const reply = await client.fetchWithAuth(`https://edge.wixapis.com/stores/v3/products/query?.r=${packed}`);
  const found = await reply.json();
  assert.deepEqual(found.products.map((product) => product.slug), ['espresso-cup']);
  assert.equal(found.products[0].currency, 'USD');
});

await check('graphql', async () => {
  const found = await client.graphql('query { products { items { id name } } }', {});
  assert.equal(found.data.products.items.length, 10);
  const unknown = await client.graphql('query { weather }', {});
  assert.equal(unknown.errors.length, 1);
});

await check('the products module queries Catalog V1', async () => {
  const found = await client.products.queryProducts().lt('price', 10).limit(2).find();
  assert.equal(found.items.length, 2);
  assert.equal(found.totalCount, 3);
  assert.ok(found.items[0]._id);
  assert.equal(hosts.at(-1), 'edge.wixapis.com');
});

await check('the products module queries Catalog V3 by cursor', async () => {
  let page = await client.productsV3.queryProducts({ fields: ['CURRENCY'] }).limit(4).find();
  const slugs = page.items.map((product) => product.slug);
  while (page.hasNext()) {
    page = await page.next();
    slugs.push(...page.items.map((product) => product.slug));
  }
  assert.equal(new Set(slugs).size, 10);
  const one = await client.productsV3.getProductBySlug('linen-apron');
  assert.equal((one.product ?? one).variantsInfo.variants.length, 2);
});

await check('the cart module adds, changes, estimates and checks out', async () => {
  const lineItems = [lineItem(espressoCup, 2), lineItem(woolSocks, 1)];
  const added = await client.currentCart.addToCurrentCart({ lineItems });
  assert.equal(added.cart.lineItems.length, 1, 'what is sold out is left out without a word');
  const line = added.cart.lineItems[0];
  assert.equal(line.price.amount, '9.99');

  await client.currentCart.updateCurrentCartLineItemQuantity([{ _id: line._id, quantity: 3 }]);
  assert.equal((await client.currentCart.getCurrentCart()).lineItems[0].quantity, 3);
  const estimate = await client.currentCart.estimateCurrentCartTotals({});
  assert.equal(estimate.priceSummary.total.amount, '29.97');
  const { checkoutId } = await client.currentCart.createCheckoutFromCurrentCart({ channelType: 'WEB' });
  const session = await client.fetchWithAuth('https://www.wixapis.com/headless/v1/redirect-session', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ ecomCheckout: { checkoutId }, callbacks: { postFlowUrl: 'https://shop.example/' } }),
  });
  assert.ok((await session.json()).redirectSession.fullUrl.includes(checkoutId));
});

await check('the consistency value is replayed', async () => {
  const { consistency } = await state();
  assert.equal(consistency.issued, 3);
  assert.ok(consistency.replayed >= 4);
  assert.equal(consistency.foreign, 0);
});

await check('a validation error arrives as one', async () => {
  await assert.rejects(
    client.currentCart.addToCurrentCart({ lineItems: [lineItem(espressoCup, 0)] }),
    // The module puts the name of its own parameter before it.
    (error) => error.details.validationError.fieldViolations[0].field === 'options.lineItems[0].quantity',
  );
});

await check('an expired session is renewed by the SDK and keeps its cart', async () => {
  const old = client.auth.getTokens();
  const later = newClient({ ...old, accessToken: { ...old.accessToken, expiresAt: 1 } });
  await configure({ expireAccessTokens: true });
  assert.equal((await later.currentCart.getCurrentCart()).lineItems[0].quantity, 3);
  assert.equal((await state()).visitors, 1);
});

await check('a removed cart is gone', async () => {
  const reply = await newClient(await client.auth.renewToken(tokens.refreshToken)).currentCart.deleteCurrentCart();
  assert.ok(reply === undefined || typeof reply === 'object');
  assert.equal((await state()).carts.count, 0);
});

console.log('ok all');
