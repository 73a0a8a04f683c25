// The first token and the first call of a process with the unmodified @wix/sdk: node first_answer.mjs <host:port>
// Says that it is ready once the SDK is loaded; a line of input starts it. The certificate authority comes in through
// NODE_EXTRA_CA_CERTS.
import { createInterface } from 'node:readline';
import { createClient, OAuthStrategy } from '@wix/sdk';

const wixHost = process.argv[2];
const clientId = '11111111-2222-3333-4444-555555555555';
const products = 'https://www.wixapis.com/stores-reader/v1/products/query';

// Wix's host is reached at the proxy's address; nothing else of a request changes.
const realFetch = globalThis.fetch;
globalThis.fetch = (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input);
  if (url.host === 'www.wixapis.com') url.host = wixHost;
  return realFetch(input instanceof Request ? new Request(url, input) : url, init);
};

const firstAnswer = async () => {
  const began = process.hrtime.bigint();
  const cpu = process.cpuUsage();
  const client = createClient({ auth: OAuthStrategy({ clientId }) });
  const headers = { 'Content-Type': 'application/json' };
  const reply = await client.fetchWithAuth(products, { method: 'POST', headers, body: '{"query":{}}' });
  const answer = await reply.json();
  if (!answer.products) throw new Error(`the call was answered with ${reply.status}`);
  const millis = Number(process.hrtime.bigint() - began) / 1e6;
  const used = process.cpuUsage(cpu);
  return { millis, cpuMicros: used.user + used.system };
};

const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

say({ ready: true });
for await (const _ of createInterface({ input: process.stdin })) say(await firstAnswer());
process.exit(0);
