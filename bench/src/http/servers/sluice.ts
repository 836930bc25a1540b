import { createService } from 'sluice';
import type { Listening } from '../../harness/subject.ts';
import { BODY, LANES, PATH, QUEUE, TIMEOUT_MS, UNLIMITED } from './setting.ts';

/** The whole chain: limiter, breaker, pool, deadline, handler, metrics. Log lines for requests are off, as with the others. */
async function chain(limiter: { ratePerSecond: number; capacity: number }): Promise<Listening> {
  const service = createService({
    server: { host: '127.0.0.1', port: 0 },
    limiters: { limiter },
    breakers: { breaker: {} },
    pools: { pool: { size: LANES, queue: QUEUE } },
    log: { level: 'warn', requests: false },
    routes: [
      {
        path: PATH,
        handler: () => BODY,
        limiter: 'limiter',
        breaker: 'breaker',
        pool: 'pool',
        timeoutMs: TIMEOUT_MS,
      },
    ],
  });
  const url = await service.start();
  const close = async (): Promise<void> => {
    await service.stop();
  };
  return { port: Number(new URL(url).port), close };
}

/** Every request gets through. */
export function sluiceServing(): Promise<Listening> {
  return chain({ ratePerSecond: UNLIMITED, capacity: UNLIMITED });
}

/** The rate limiter refuses every request but the first, which is made here. */
export async function sluiceRefusing(): Promise<Listening> {
  const listening = await chain({ ratePerSecond: 1e-6, capacity: 1 });
  await (await fetch(`http://127.0.0.1:${listening.port}${PATH}`)).arrayBuffer();
  return listening;
}
