import type { Sample, TrialPlan } from '../../harness/subject.ts';
import { callersOf, saturate, totals, withPool } from '../drive.ts';
import type { PoolMaker } from '../pool.ts';
import type { Work } from '../work.ts';

/** What a subject of throughput asks for. */
export interface Throughput {
  readonly work: () => Work;
  readonly threads: number;
  readonly outstanding: number;
}

/** µs per call with so many of them outstanding. */
export function throughputTrial(
  maker: PoolMaker,
  { work, threads, outstanding }: Throughput,
  { warmUpMs, windowMs }: TrialPlan,
): Promise<Sample> {
  return withPool(maker, threads, async (pool) => {
    const callers = callersOf(pool, work(), outstanding);
    await saturate(callers, warmUpMs);
    const { operations, tookMs } = await saturate(callers, windowMs);
    return {
      figure: (tookMs / operations) * 1000,
      further: { 'calls/s': (operations / tookMs) * 1000 },
      ...totals(callers),
    };
  });
}
