// node check_shop.mjs <storefront> <wix-fake> <chromium> <work folder>
import assert from 'node:assert/strict';
import https from 'node:https';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { startFake, startShop, stop } from './programs.mjs';

const [shopPath, fakePath, chromiumPath, work] = process.argv.slice(2);
const fake = await startFake(fakePath, work);
const store = `${work}/store`;
let shop = await startShop(shopPath, fake, store, 0);
const port = new URL(shop.url).port;
const browser = await chromium.launch({
    executablePath: chromiumPath,
    args: process.getuid() === 0 ? ['--no-sandbox'] : [],
});

/** A knob of the fake, or its state. */
function atFake(method, path, body) {
    return new Promise((resolve, reject) => {
        const request = https.request(fake.url + path, { method, ca: readFileSync(fake.caFile) }, (answer) => {
            let text = '';
            answer.on('data', (bytes) => (text += bytes));
            answer.on('end', () => resolve(text ? JSON.parse(text) : null));
        });
        request.on('error', reject);
        request.end(body ? JSON.stringify(body) : undefined);
    });
}

let pictures = 0;
const picture = (page, name) =>
    page.screenshot({ path: `${work}/screenshots/${++pictures}-${name}.png`, fullPage: true });

/** A browser of its own, and what its console complains about. */
async function newVisitor(options = {}) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });  // the fake has an authority of its own
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const complaints = [];
    page.on('console', (message) => {
        // The pictures of a fake are nowhere, and an error page is meant to be one.
        if (message.type() === 'error' && !/Failed to load resource/.test(message.text()))
            complaints.push(message.text());
    });
    return { context, page, complaints };
}

const linesOf = (page) => page.$$eval('tr[data-product]', (rows) =>
    rows.map((row) => `${row.querySelector('strong').textContent} x ${row.dataset.quantity}`));
async function cartOf(page) {
    await page.goto(`${shop.url}/cart`);
    return linesOf(page);
}
async function buy(page, name) {
    await page.goto(`${shop.url}/`);
    await page.locator('article', { hasText: name }).getByRole('button').click();
    await page.waitForURL('**/cart');
}
async function step(name, run) {
    await run();
    console.log(`ok: ${name}`);
}

const anna = await newVisitor();
await step('a visitor fills the cart', async () => {
    await anna.page.goto(`${shop.url}/`);
    assert.equal(await anna.page.locator('article').count(), 10);
    await picture(anna.page, 'shop');
    await buy(anna.page, 'Stoneware Mug');
    await anna.page.goto(`${shop.url}/`);
    await anna.page.getByText('Linen Apron').click();
    await anna.page.selectOption('select[name=variant]', { label: 'L ' });
    await anna.page.fill('input[name=quantity]', '2');
    await picture(anna.page, 'product');
    await anna.page.getByRole('button', { name: 'Add to cart' }).click();
    await anna.page.waitForURL('**/cart');
    assert.deepEqual(await linesOf(anna.page), ['Stoneware Mug x 1', 'Linen Apron x 2']);
    assert.equal(await anna.page.textContent('#count'), '3');
    await picture(anna.page, 'cart');
});

await step('quantities change, lines go, and loading a page again repeats nothing', async () => {
    const mug = anna.page.locator('tr', { hasText: 'Stoneware Mug' });
    await mug.locator('input[name=quantity]').fill('5');
    await mug.getByRole('button', { name: 'Update' }).click();
    await anna.page.waitForSelector('tr[data-quantity="5"]');
    await anna.page.reload();
    await anna.page.locator('tr', { hasText: 'Linen Apron' }).getByRole('button', { name: 'Remove' }).click();
    await anna.page.waitForFunction(() => document.querySelectorAll('tr[data-product]').length === 1);
    await anna.page.reload();
    assert.deepEqual(await linesOf(anna.page), ['Stoneware Mug x 5']);
});

await step('the shop is restarted: the cart is there', async () => {
    assert.equal(await stop(shop), 0);
    shop = await startShop(shopPath, fake, store, port);
    await anna.page.reload();
    assert.deepEqual(await linesOf(anna.page), ['Stoneware Mug x 5']);
});

await step('access tokens expire under the open page: nothing is noticed', async () => {
    await anna.page.goto(`${shop.url}/`);
    const before = await atFake('GET', '/_fake/state');
    await atFake('POST', '/_fake/config', { expireAccessTokens: true });
    await anna.page.locator('article', { hasText: 'Espresso Cup' }).getByRole('button').click();
    await anna.page.waitForURL('**/cart');
    assert.deepEqual(await linesOf(anna.page), ['Stoneware Mug x 5', 'Espresso Cup x 1']);
    const after = await atFake('GET', '/_fake/state');
    assert.equal(after.visitors, before.visitors);
    assert.ok(after.tokens.refresh_token > before.tokens.refresh_token);
});

await step('two browsers have two carts', async () => {
    const berta = await newVisitor();
    await buy(berta.page, 'Dotted Notebook');
    assert.deepEqual(await cartOf(berta.page), ['Dotted Notebook x 1']);
    assert.deepEqual(await cartOf(anna.page), ['Stoneware Mug x 5', 'Espresso Cup x 1']);
    assert.deepEqual(berta.complaints, []);
    await berta.context.close();
});

await step('a tampered cookie starts a fresh session, and says nothing', async () => {
    const mallory = await newVisitor();
    const newcomer = await newVisitor();
    const [mine] = await anna.context.cookies();
    assert.equal(mine.httpOnly, true);
    assert.equal(mine.sameSite, 'Lax');
    const middle = mine.value.length >> 1;
    const altered = mine.value[middle] === 'A' ? 'B' : 'A';
    const value = mine.value.slice(0, middle) + altered + mine.value.slice(middle + 1);
    await mallory.context.addCookies([{ ...mine, value }]);
    const answer = await mallory.page.goto(`${shop.url}/cart`);
    assert.equal(answer.status(), 200);
    assert.deepEqual(await linesOf(mallory.page), []);
    await newcomer.page.goto(`${shop.url}/cart`);
    assert.equal(await mallory.page.content(), await newcomer.page.content());
    const [fresh] = await mallory.context.cookies();
    assert.notEqual(fresh.value, value);
    assert.match(shop.log, /a session cookie was refused/);
    assert.ok(!shop.log.includes(value) && !shop.log.includes(mine.value), 'the log has the value of a cookie');
    assert.deepEqual(await cartOf(anna.page), ['Stoneware Mug x 5', 'Espresso Cup x 1']);
    await mallory.context.close();
    await newcomer.context.close();
});

await step('everything works without JavaScript', async () => {
    const carl = await newVisitor({ javaScriptEnabled: false });
    await buy(carl.page, 'Fountain Pen');
    await carl.page.getByText('Events').first().click();
    await picture(carl.page, 'events');
    await carl.page.getByText('Pottery Workshop').click();
    await picture(carl.page, 'event');
    await carl.page.locator('.ticket', { hasText: 'General' }).locator('input[name=quantity]').fill('2');
    await carl.page.locator('.ticket', { hasText: 'General' }).getByRole('button').click();
    await carl.page.waitForURL('**/reservation/**');
    assert.match(await carl.page.textContent('#tickets'), /^2 tickets/);
    await picture(carl.page, 'reservation');
    assert.deepEqual(carl.complaints, []);
    await carl.context.close();
});

await step('checkout goes to Wix', async () => {
    await cartOf(anna.page);
    await anna.page.getByRole('button', { name: 'Go to checkout' }).click();
    await anna.page.waitForURL('**/__ecom/checkout**');
    assert.match(anna.page.url(), /checkoutId=/);
    assert.match(await anna.page.textContent('body'), /checkout of a fake Wix/);
});

await step('a form of another site is refused', async () => {
    const { page, context } = anna;
    await context.route('https://evil.example/**', (route) => route.fulfill({
        contentType: 'text/html',
        body: `<form method="post" action="${shop.url}/cart/remove"><input name="line" value="1"><button>Win</button></form>`,
    }));
    await page.goto('https://evil.example/');
    const [answer] = await Promise.all([page.waitForResponse('**/cart/remove'), page.getByRole('button').click()]);
    assert.equal(answer.status(), 403);
    assert.deepEqual(await cartOf(page), ['Stoneware Mug x 5', 'Espresso Cup x 1']);
});

await step('when Wix is out of order the page says so, in the look of the shop', async () => {
    await atFake('POST', '/_fake/config', { fail: [{ endpoint: 'products', count: 20, status: 503 }] });
    const answer = await anna.page.goto(`${shop.url}/`);
    assert.ok([502, 503].includes(answer.status()));
    const reference = (await anna.page.textContent('main')).match(/Reference: (\S+)/)[1];
    assert.ok(shop.log.includes(reference));
    await picture(anna.page, 'out-of-order');
    await atFake('POST', '/_fake/config', { clearFaults: true });
});

await step('a cookie for https only, as behind a front', async () => {
    const behind = await startShop(shopPath, fake, `${work}/store`, 0, ['--public-url', 'https://shop.example']);
    const dora = await newVisitor();
    await dora.page.goto(behind.url);
    const [cookie] = await dora.context.cookies();
    // Chromium counts 127.0.0.1 as a safe place or not, depending on its version; what it keeps must be as it was asked for.
    if (cookie) assert.deepEqual([cookie.name, cookie.secure], ['__Host-wix-session', true]);
    console.log(`    this Chromium ${cookie ? 'keeps' : 'drops'} it on http://127.0.0.1`);
    assert.equal(await stop(behind), 0);
});

assert.deepEqual(anna.complaints, []);
await browser.close();
assert.equal(await stop(shop), 0);
await stop(fake);
console.log('the shop works in a browser');
process.exit(0);
