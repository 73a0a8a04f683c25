// The unmodified @wix/sdk as a contender (conductor/contender.py): node wix_sdk.mjs URL PATH CONNECTIONS
// The certificate authority comes in through NODE_EXTRA_CA_CERTS.
import { createInterface } from 'node:readline';
import { performance } from 'node:perf_hooks';

const [url, path, connections] = process.argv.slice(2);
const server = new URL(url);

// Wix's hosts are reached at the server's address; nothing else of a request changes.
const realFetch = globalThis.fetch;
globalThis.fetch = (input, init) => {
  const target = new URL(input instanceof Request ? input.url : input);
  if (['www.wixapis.com', 'edge.wixapis.com'].includes(target.host)) {
    target.protocol = server.protocol;
    target.host = server.host;
  }
  return realFetch(input instanceof Request ? new Request(target, input) : target, init);
};

const { createClient, OAuthStrategy } = await import('@wix/sdk');
const client = createClient({ auth: OAuthStrategy({ clientId: '11111111-2222-3333-4444-555555555555' }) });
client.auth.setTokens(await client.auth.generateVisitorTokens());

async function callInTurn(end, latencies) {
  let began = performance.now();
  let now;
  do {
    const answer = await client.fetchWithAuth(`https://www.wixapis.com${path}`);
    if (answer.status !== 200) throw new Error(`status ${answer.status}`);
    const body = await answer.json();
    if (typeof body.product !== 'object') throw new Error('another answer');
    now = performance.now();
    latencies.push((now - began) * 1000);
    began = now;
  } while (now < end);
}

async function round(milliseconds) {
  const latencies = [];
  const used = process.cpuUsage();
  const began = performance.now();
  await Promise.all(Array.from({ length: Number(connections) }, () => callInTurn(began + milliseconds, latencies)));
  const wall = performance.now() - began;
  const { user, system } = process.cpuUsage(used);
  latencies.sort((a, b) => a - b);
  const percentile = (share) => latencies[Math.floor(share * (latencies.length - 1))];
  return {
    calls: latencies.length,
    cpuMicros: user + system,
    wallMicros: wall * 1000,
    p50Micros: percentile(0.5),
    p99Micros: percentile(0.99),
  };
}

const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

// Connections, and the compiler has seen the hot paths.
const warmUp = await round(Number(process.env.WIX_BENCH_WARM_UP ?? 1500));
tell({ ready: true, ...warmUp });
for await (const line of createInterface({ input: process.stdin })) {
  tell(await round(Number(line.replace('go ', ''))));
}
process.exit(0);
