import { expect } from 'vitest';
import { ThreadPool, type ThreadPoolOptions, type ThreadPoolStats } from '../../../src/index.ts';
import type * as jobs from './jobs.ts';

type Jobs = typeof jobs;

/** A pool of the jobs in `jobs.ts`. */
export function jobsPool(options: ThreadPoolOptions = {}): ThreadPool<Jobs> {
  return new ThreadPool<Jobs>(new URL('./jobs.ts', import.meta.url), options);
}

/** The same once all of its workers are ready. */
export async function readyPool(options: ThreadPoolOptions = {}): Promise<ThreadPool<Jobs>> {
  const pool = jobsPool(options);
  await untilReady(pool);
  return pool;
}

export async function untilReady(pool: { stats(): ThreadPoolStats }): Promise<void> {
  await until(() => readyWorkers(pool) >= pool.stats().size);
}

/** Workers that take tasks. */
export function readyWorkers(pool: { stats(): ThreadPoolStats }): number {
  return pool.stats().workers.filter(({ state }) => state === 'idle' || state === 'busy').length;
}

/** Waits, turn by turn of the event loop, until it is so. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Every task that came is in one of the counts. */
export function expectBalanced(pool: { stats(): ThreadPoolStats }): void {
  const { submitted, completed, failed, aborted, expired, rejected, active, queued } = pool.stats();
  expect(completed + failed + aborted + expired + rejected + active + queued).toBe(submitted);
}

/** What became of promises, in their order: a value, or the name of what was thrown. */
export async function outcomes(promises: readonly Promise<unknown>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(promises);
  return settled.map((each) =>
    each.status === 'fulfilled' ? each.value : (each.reason as Error).name,
  );
}
