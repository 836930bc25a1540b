import type { Clock, WorkerPool } from '@sluice/core';
import type { FastifyInstance } from 'fastify';

import type { ResolvedShutdown } from './config/index.ts';
import { closeListener, type Exchanges } from './http/index.ts';

/** How long an open connection without a request may still bring one, after the last answer, in ms. */
const IDLE_GRACE_MS = 500;
/** What is kept of the time for the answers to those who were cut short, in ms. */
const LAST_ANSWERS_MS = 500;

/** What a shutdown had to leave undone. All zeros: nothing that was accepted is lost. */
export interface StopReport {
  /** Requests that were answered 503 or 504 because the time was over. */
  readonly endedEarly: number;
  /** Requests whose connection was cut before they were answered. */
  readonly cut: number;
  /** From the call of `stop` to the end, in ms. */
  readonly durationMs: number;
}

export interface ShutdownParts {
  readonly app: FastifyInstance;
  readonly exchanges: Exchanges;
  readonly limiters: Iterable<{ stop(): Promise<unknown> }>;
  readonly pools: Iterable<WorkerPool>;
  readonly upstreams: Iterable<{ stop(): Promise<unknown> }>;
  readonly clock: Clock;
  readonly config: ResolvedShutdown;
}

/**
 * Takes a service out of service so that nothing it has accepted is lost. Readiness is off already.
 *
 * 1. For `delayMs` new connections are still welcome, so that the balancer has time to notice; every
 *    answer ends its connection.
 * 2. The listening socket is closed, once those who have connected are accepted. Without a delay answers
 *    end their connections only from here on: whoever comes back at once meets no half-closed door.
 * 3. What comes on open connections is answered. One that is idle after the last answer may just be
 *    bringing a request, so it is given a moment.
 * 4. When no request is left, or the time is over, the limiters and the pools stop, and then the
 *    connections end.
 *
 * HTTP/1.1 leaves one gap: a request that is under way to an idle connection in the instant in which that
 * ends, after its moment, gets no answer. It was not read, and its client may send it again.
 */
export async function shutDown(parts: ShutdownParts): Promise<StopReport> {
  const { app, exchanges, limiters, pools, upstreams, clock, config } = parts;
  const startMs = clock.nowMs();
  const leftMs = (): number => config.timeoutMs - (clock.nowMs() - startMs);
  const lastAnswersMs = Math.min(LAST_ANSWERS_MS, config.timeoutMs / 2);
  const forWorkMs = (): number => leftMs() - lastAnswersMs;
  if (config.delayMs > 0) exchanges.startDraining();
  await exchanges.until(() => false, config.delayMs);
  await closeListener({ server: app.server, exchanges, clock, withinMs: forWorkMs() });
  exchanges.startDraining();
  await drain(exchanges, forWorkMs);
  await stopAll(limiters);
  const endedEarly = await stopPools(pools);
  await exchanges.until(() => exchanges.active === 0, leftMs());
  const cut = exchanges.destroyAll();
  await app.close();
  await stopAll(upstreams);
  return { endedEarly, cut, durationMs: clock.nowMs() - startMs };
}

/** Until every request is answered, and no connection brings another one. */
async function drain(exchanges: Exchanges, leftMs: () => number): Promise<void> {
  do {
    await exchanges.until(() => exchanges.active === 0, leftMs());
    const graceMs = Math.min(IDLE_GRACE_MS, leftMs());
    await exchanges.until(() => exchanges.connections === 0 || exchanges.active > 0, graceMs);
  } while (exchanges.active > 0 && leftMs() > 0);
}

/** Stops these side by side: limiters, so that nobody waits for a permit any more, or upstreams. */
export async function stopAll(parts: Iterable<{ stop(): Promise<unknown> }>): Promise<void> {
  await Promise.all([...parts].map((part) => part.stop()));
}

/** Ends what still runs or waits. After a complete drain there is nothing. */
async function stopPools(pools: Iterable<WorkerPool>): Promise<number> {
  const results = await Promise.all([...pools].map((pool) => pool.stop({ timeoutMs: 0 })));
  return results.reduce((sum, { refused, ended }) => sum + refused + ended, 0);
}
