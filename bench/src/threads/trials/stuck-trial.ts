import { BenchError, type Sample, type TrialPlan } from '../../harness/subject.ts';
import { callersOf, saturate, totals, withPool } from '../drive.ts';
import type { PoolMaker } from '../pool.ts';
import { nothing } from '../work.ts';

const TIMEOUT_MS = 50;

/** How long after its timeout an endless loop is rejected, and the next call served, in ms. */
export function stuckTrial(maker: PoolMaker, { warmUpMs }: TrialPlan): Promise<Sample> {
  return withPool(maker, 1, async (pool) => {
    const callers = callersOf(pool, nothing, 1);
    await saturate(callers, warmUpMs);
    const startMs = performance.now();
    const ended = pool.hang?.(TIMEOUT_MS) ?? Promise.reject(new BenchError('cannot end a call'));
    const rejected = await ended.then(
      () => false,
      (error: unknown) => !(error instanceof BenchError),
    );
    const endedMs = performance.now();
    await saturate(callers, 0);
    const servedMs = performance.now();
    const { operations, right } = totals(callers);
    return {
      // A timer may fire a fraction of a ms early.
      figure: Math.max(0.001, endedMs - startMs - TIMEOUT_MS),
      further: { [NEXT_SERVED]: servedMs - endedMs },
      operations: operations + 1,
      right: right + (rejected ? 1 : 0),
    };
  });
}

export const NEXT_SERVED = 'next served, ms';
