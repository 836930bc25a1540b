import type { Sample, TrialPlan } from '../../harness/subject.ts';
import { micros, timedCalls, totals, withPool } from '../drive.ts';
import type { PoolMaker } from '../pool.ts';
import { Caller, type Work } from '../work.ts';

/** Median µs of a call with nothing else on its way. */
export function aloneTrial(
  maker: PoolMaker,
  work: () => Work,
  { warmUpMs, windowMs }: TrialPlan,
): Promise<Sample> {
  return withPool(maker, 1, async (pool) => {
    const caller = new Caller(pool, work());
    await timedCalls(caller, warmUpMs);
    const took = await timedCalls(caller, windowMs);
    return {
      figure: micros(took, 0.5),
      further: { 'p99 µs': micros(took, 0.99) },
      ...totals([caller]),
    };
  });
}
