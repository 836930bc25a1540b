/** A service that limits each client by its address, behind a proxy that it trusts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createService } from 'sluice';

const service = createService({
  server: {
    host: '127.0.0.1',
    port: 0,
    // Your own proxies and no other: whoever is named here can call itself whatever it likes.
    trustedProxies: ['loopback'],
  },
  limiters: {
    'per-address': { ratePerSecond: 0.5, capacity: 2, key: 'ip', maxKeys: 100_000 },
  },
  routes: [{ path: '/orders', limiter: 'per-address', handler: () => ({ orders: [] }) }],
  log: { level: 'silent' },
});

const url = await service.start();

/** Asks as the proxy does: it writes the address of its client at the end of X-Forwarded-For. */
async function ask(forwardedFor: string): Promise<number> {
  const response = await fetch(`${url}/orders`, { headers: { 'x-forwarded-for': forwardedFor } });
  await response.body?.cancel();
  const limit = response.headers.get('ratelimit');
  console.log(`${forwardedFor}: ${response.status}, RateLimit: ${limit}`);
  return Number(response.headers.get('retry-after') ?? 0);
}

await ask('203.0.113.7');
await ask('203.0.113.7');
await ask('198.51.100.9, 203.0.113.7'); // What a client made up stands on the left, and does not count.
const retryAfterS = await ask('203.0.113.7');
await ask('192.0.2.44'); // Another client has a limit of its own.
await ask('2001:db8:0:1::5');
await ask('2001:db8:0:1::6'); // A household has 2^64 addresses, and one limit.

await sleep(retryAfterS * 1000);
await ask('203.0.113.7');

const { allowed, rejected } = service.limiters.get('per-address')?.stats() ?? {};
console.log(`${allowed} let in, ${rejected} refused`);
await service.stop();
