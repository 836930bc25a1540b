import { percentileOf } from '../harness/statistics.ts';
import { BenchError, type Sample } from '../harness/subject.ts';
import { stepsFor } from './pace.ts';
import type { Pool, PoolMaker } from './pool.ts';
import { Caller, type Work } from './work.ts';

const TRIES = 200;
const ROLL_CALL_MICROS = 1000;

/** Opens a pool, waits until all of its threads work, uses it, and ends it. */
export async function withPool(
  maker: PoolMaker,
  threads: number,
  use: (pool: Pool) => Promise<Sample>,
): Promise<Sample> {
  const pool = await maker.open(threads);
  try {
    await allThreadsOf(pool, threads);
    return await use(pool);
  } finally {
    await pool.close();
  }
}

/** A pool may start serving on its first thread while others still load. */
async function allThreadsOf(pool: Pool, threads: number): Promise<void> {
  const where = pool.caller('where');
  const steps = stepsFor(ROLL_CALL_MICROS);
  const seen = new Set<unknown>();
  for (let i = 0; i < TRIES && seen.size < threads; i++) {
    const calls = Array.from({ length: threads * 2 }, () => where(steps));
    for (const id of await Promise.all(calls)) seen.add(id);
  }
  if (seen.size < threads) throw new BenchError(`only ${seen.size} of ${threads} threads work`);
}

/** What a load has done. */
export interface Done {
  readonly operations: number;
  readonly right: number;
  readonly tookMs: number;
}

/** How often the clock is read while nothing else needs it. Below a ms of the fastest pool. */
const CLOCK_EVERY = 256;

/** So many callers, each with one call on its way at any time, for `ms`. */
export async function saturate(callers: readonly Caller[], ms: number): Promise<Done> {
  const before = totals(callers);
  const startMs = performance.now();
  let open = true;
  let done = 0;
  const drive = async (caller: Caller): Promise<void> => {
    while (open) {
      caller.take(await caller.send());
      // Slow calls are each worth a look, and fast ones come soon.
      if (++done % CLOCK_EVERY === 0 || callers.length < CLOCK_EVERY)
        open = performance.now() - startMs < ms;
    }
  };
  await Promise.all(callers.map(drive));
  const tookMs = performance.now() - startMs;
  const { operations, right } = totals(callers);
  return { operations: operations - before.operations, right: right - before.right, tookMs };
}

/** One caller, call after call, for `ms`. Returns the time that each call took, in ms. */
export async function timedCalls(caller: Caller, ms: number): Promise<number[]> {
  const took: number[] = [];
  const endMs = performance.now() + ms;
  for (let startMs = performance.now(); ;) {
    caller.take(await caller.send());
    const nowMs = performance.now();
    took.push(nowMs - startMs);
    if (nowMs >= endMs) return took;
    startMs = nowMs;
  }
}

export const callersOf = (pool: Pool, work: Work, count: number): Caller[] =>
  Array.from({ length: count }, () => new Caller(pool, work));

export function totals(callers: readonly Caller[]): { operations: number; right: number } {
  let operations = 0;
  let right = 0;
  for (const caller of callers) {
    operations += caller.operations;
    right += caller.right;
  }
  return { operations, right };
}

/** A percentile of times in ms, in µs. */
export const micros = (timesMs: readonly number[], share: number): number =>
  percentileOf(timesMs, share) * 1000;
