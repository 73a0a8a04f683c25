// Many callers at once with the unmodified @wix/sdk: node renewal_callers.mjs <url of the fake>
// conductor/crowd.py says what it understands. The certificate authority comes in through NODE_EXTRA_CA_CERTS.
import { createInterface } from 'node:readline';
import { createClient, OAuthStrategy } from '@wix/sdk';

const fakeHost = new URL(process.argv[2]).host;
const clientId = '11111111-2222-3333-4444-555555555555';
const product = 'https://www.wixapis.com/stores-reader/v1/products/a0000000-0000-4000-8000-000000000002';

// Wix's host is reached at the fake's address; nothing else of a request changes.
const realFetch = globalThis.fetch;
globalThis.fetch = (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input);
  if (url.host === 'www.wixapis.com') url.host = fakeHost;
  return realFetch(input instanceof Request ? new Request(url, input) : url, init);
};

const newClient = (tokens) => createClient({ auth: OAuthStrategy({ clientId, tokens }) });

const call = async (client) => {
  const reply = await client.fetchWithAuth(product);
  const answer = await reply.json();
  if (!answer.product) throw new Error(`a call was answered with ${reply.status}`);
};

const crowd = async (client, callers) => {
  const began = process.hrtime.bigint();
  const cpu = process.cpuUsage();
  await Promise.all(Array.from({ length: callers }, () => call(client)));
  const millis = Number(process.hrtime.bigint() - began) / 1e6;
  const used = process.cpuUsage(cpu);
  return { millis, cpuMicros: used.user + used.system };
};

let tokens;

const prepare = async (callers) => {
  const client = newClient();
  tokens = await client.auth.generateVisitorTokens();
  client.auth.setTokens(tokens);
  return crowd(client, Math.min(callers, 1000));
};

const expired = () => ({ ...tokens, accessToken: { ...tokens.accessToken, expiresAt: 1_700_000_000 } });

const answerTo = (command, callers) => {
  if (command === 'prepare') return prepare(callers);
  if (command === 'renew') return crowd(newClient(expired()), callers);
  if (command === 'begin') return crowd(newClient(), callers);
  throw new Error(`what is "${command}"?`);
};

const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

say({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const [command, callers] = line.split(' ');
  say(await answerTo(command, Number(callers)));
}
