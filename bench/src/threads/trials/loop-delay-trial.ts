import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Sample, TrialPlan } from '../../harness/subject.ts';
import { callersOf, saturate, totals, withPool } from '../drive.ts';
import type { PoolMaker } from '../pool.ts';
import { cpu } from '../work.ts';

/** Calls outstanding while the threads are kept busy. */
const LOAD = 1000;
/** The shortest interval that Node can watch, and what a loop without delay shows. */
const RESOLUTION_MS = 1;

/** p99 of what passes between two looks at the clock, 1 ms apart, while two threads are kept busy, in ms. */
export function loopDelayTrial(
  maker: PoolMaker,
  { warmUpMs, windowMs }: TrialPlan,
): Promise<Sample> {
  return withPool(maker, 2, async (pool) => {
    const callers = callersOf(pool, cpu(50), LOAD);
    await saturate(callers, warmUpMs);
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    delay.enable();
    const { operations, tookMs } = await saturate(callers, windowMs * 2);
    delay.disable();
    const ms = (ns: number): number => Math.max(RESOLUTION_MS, ns / 1e6);
    return {
      figure: ms(delay.percentile(99)),
      further: {
        'p50 ms': ms(delay.percentile(50)),
        'max ms': ms(delay.max),
        'calls/s': (operations / tookMs) * 1000,
      },
      ...totals(callers),
    };
  });
}
