import { setTimeout as elapse } from 'node:timers/promises';
import { SeededRandom } from '@sluice/core/testing';
import type { Sample, TrialPlan } from '../../harness/subject.ts';
import { callersOf, micros, saturate, totals, withPool } from '../drive.ts';
import type { PoolMaker } from '../pool.ts';
import { nothing } from '../work.ts';

const SEED = 20_261;
/** A window holds few calls at such rates. */
const PACED_WINDOWS = 4;

/** Median µs of a call when so many a second arrive at random, whatever became of those before. */
export function pacedTrial(
  maker: PoolMaker,
  ratePerSecond: number,
  { warmUpMs, windowMs }: TrialPlan,
): Promise<Sample> {
  return withPool(maker, 1, async (pool) => {
    const warm = callersOf(pool, nothing, 1);
    await saturate(warm, warmUpMs);
    const arrivals = arrivalsMs(ratePerSecond, windowMs * PACED_WINDOWS);
    const callers = callersOf(pool, nothing, arrivals.length);
    const startMs = performance.now();
    const calls = callers.map(async (caller, i) => {
      await elapse((arrivals[i] ?? 0) - (performance.now() - startMs));
      const sentMs = performance.now();
      caller.take(await caller.send());
      return performance.now() - sentMs;
    });
    const took = await Promise.all(calls);
    return {
      figure: micros(took, 0.5),
      further: { 'p99 µs': micros(took, 0.99), calls: took.length },
      ...totals([...warm, ...callers]),
    };
  });
}

/** A Poisson process, the same for every contender. At least one arrival. */
function arrivalsMs(ratePerSecond: number, windowMs: number): number[] {
  const random = new SeededRandom(SEED);
  const gapMs = (): number => (-Math.log(1 - random.next()) / ratePerSecond) * 1000;
  const arrivals = [gapMs()];
  for (let atMs = gapMs(); atMs < windowMs; atMs += gapMs()) arrivals.push(atMs);
  return arrivals;
}
