/** Limits per API key: customers have plans, abuse costs more and ends in a block, the operator sees who uses most. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { apiKey, KeyedLimiter } from '@sluice/core';

interface Customer {
  readonly name: string;
  plan: 'free' | 'pro';
}

/** By the hash of their API keys, which is the key of the limiter too: the secrets are kept nowhere. */
const customers = new Map<string, Customer>();
const keyOf = apiKey();
const keyOfSecret = (secret: string): string => keyOf({ headers: { 'x-api-key': secret } });
customers.set(keyOfSecret('secret of Ann'), { name: 'Ann', plan: 'free' });
customers.set(keyOfSecret('secret of Bob'), { name: 'Bob', plan: 'pro' });
customers.set(keyOfSecret('secret of Eve'), { name: 'Eve', plan: 'free' });

const free = { ratePerSecond: 0.01, capacity: 3 };
const perKey = new KeyedLimiter({
  name: 'per-key',
  ...free,
  plans: { free, pro: { ratePerSecond: 100, capacity: 500 } },
  planOf: (key) => customers.get(key)?.plan,
  key: keyOf,
});

const server = createServer((request, response) => {
  const answer = (status: number, headers: Record<string, number> = {}): void => {
    response.writeHead(status, headers).end();
  };
  const key = perKey.keyOf(request);
  // First of all, so that nobody can fill the limiter with keys that he made up.
  if (!customers.has(key)) return answer(401);
  if (!perKey.allow(key)) {
    return answer(429, { 'retry-after': Math.ceil(perKey.retryAfterMs(key) / 1000) });
  }
  if (request.url === '/orders') return answer(200);
  if (request.url?.startsWith('/.env')) perKey.block(key, 60_000);
  else perKey.penalty(key); // Who only guesses pays double.
  return answer(404);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function ask(name: string, ...paths: string[]): Promise<void> {
  const answers: string[] = [];
  for (const path of paths) {
    const headers = { 'x-api-key': `secret of ${name}` };
    const { status, headers: fields } = await fetch(`${url}${path}`, { headers });
    const retryAfter = fields.get('retry-after');
    answers.push(retryAfter === null ? `${status}` : `${status} (in ${retryAfter} s)`);
  }
  console.log(`${name}: ${answers.join(', ')}`);
}

await ask('nobody', '/orders');
await ask('Ann', '/orders', '/orders', '/orders', '/orders');
await ask('Bob', '/orders', '/orders', '/orders', '/orders', '/orders', '/orders');

const ann = keyOfSecret('secret of Ann');
perKey.setPlan(ann, 'pro'); // She paid. Her level stays and fills at the new rate.
await new Promise((resolve) => setTimeout(resolve, Math.ceil(perKey.retryAfterMs(ann)) + 1));
await ask('Ann', '/orders');

await ask('Eve', '/guess', '/orders', '/orders');
const eve = keyOfSecret('secret of Eve');
perKey.reward(eve, 2); // She called: it was a mistake.
await ask('Eve', '/.env', '/orders');
perKey.block(eve, 0); // She called again.
await ask('Eve', '/orders');

for (const { key, used, plan, blockedMs } of await perKey.top(3)) {
  const state = blockedMs > 0 ? 'blocked' : 'open';
  console.log(`${customers.get(key)?.name} used ${used} on ${plan}, ${state}`);
}
server.close();
server.closeAllConnections();
