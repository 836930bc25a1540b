import { createService, type Handler, type ServiceConfig } from 'sluice';
import type { Listening } from '../../harness/subject.ts';
import {
  BODY,
  LANES,
  PATH,
  QUEUE,
  TIMEOUT_MS,
  UNLIMITED,
  UPSTREAM_CONNECTIONS,
} from './setting.ts';

/** The whole chain: limiter, breaker, pool, deadline, handler, metrics. Log lines for requests are off, as with the others. */
function chain(limiter: { ratePerSecond: number; capacity: number }): Promise<Listening> {
  return started({
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

/** A route to an upstream, with what every upstream has by default. */
export function sluiceProxy(upstreamPort: number): Promise<Listening> {
  return started({ ...proxySetting(upstreamPort), routes: [{ path: '/*', upstream: 'u' }] });
}

/** The same behind a limiter that lets everything through, and a breaker of the route's own. */
export function sluiceGuardedProxy(upstreamPort: number): Promise<Listening> {
  return started({
    ...proxySetting(upstreamPort),
    limiters: { limiter: { ratePerSecond: UNLIMITED, capacity: UNLIMITED } },
    breakers: { breaker: {} },
    routes: [{ path: '/*', upstream: 'u', limiter: 'limiter', breaker: 'breaker' }],
  });
}

const proxySetting = (upstreamPort: number): ServiceConfig<Handler> => ({
  server: { host: '127.0.0.1', port: 0 },
  upstreams: {
    u: { targets: [`http://127.0.0.1:${upstreamPort}`], connections: UPSTREAM_CONNECTIONS },
  },
  log: { level: 'warn', requests: false },
});

async function started(options: ServiceConfig<Handler>): Promise<Listening> {
  const service = createService(options);
  const url = await service.start();
  const close = async (): Promise<void> => {
    await service.stop();
  };
  return { port: Number(new URL(url).port), close };
}
