/** A service with one route, asked by itself, changed while it runs, and stopped without losing anything. */
import { createService, HttpError } from 'sluice';

const service = createService({
  server: { host: '127.0.0.1', port: 0 },
  limiters: { public: { ratePerSecond: 1, capacity: 2 } },
  breakers: { orders: { consecutiveFailures: 5 } },
  pools: { io: { size: 10, queue: 100 } },
  routes: [
    {
      path: '/orders/:id',
      limiter: 'public',
      breaker: 'orders',
      pool: 'io',
      timeoutMs: 2000,
      handler: ({ params }) => {
        if (params['id'] === '0') throw new HttpError(404, 'There is no such order.');
        return { id: params['id'] };
      },
    },
  ],
  log: { level: 'silent' },
});

const url = await service.start();

async function get(path: string): Promise<void> {
  const response = await fetch(`${url}${path}`);
  const retryAfter = response.headers.get('retry-after');
  console.log(path, response.status, retryAfter ? `retry after ${retryAfter} s` : '');
  await response.body?.cancel();
}

await get('/orders/7');
await get('/orders/0');
await get('/orders/8'); // the burst of two is spent
service.limiters.get('public')?.update({ ratePerSecond: 1000, capacity: 1000 });
await new Promise((resolve) => setTimeout(resolve, 10)); // at the new rate ten tokens come in
await get('/orders/8');

const { requests } = service.stats();
console.log(`${requests.succeeded} of ${requests.total} succeeded`);
const { cut, endedEarly } = await service.stop();
console.log(`stopped: ${cut} cut off, ${endedEarly} ended early`);
