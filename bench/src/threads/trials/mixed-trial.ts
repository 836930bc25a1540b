import type { Sample, TrialPlan } from '../../harness/subject.ts';
import { callersOf, micros, saturate, timedCalls, totals, withPool } from '../drive.ts';
import type { PoolMaker } from '../pool.ts';
import { cpu } from '../work.ts';

/** Short calls beside long ones. */
export interface Mixture {
  readonly shortMicros: number;
  readonly shortCallers: number;
  readonly longMicros: number;
  /** How many windows make enough long calls. */
  readonly windows: number;
}

/** p99 of the short calls beside one caller of long ones, on two threads, in µs. */
export function mixedTrial(
  maker: PoolMaker,
  { shortMicros, shortCallers, longMicros, windows }: Mixture,
  { warmUpMs, windowMs }: TrialPlan,
): Promise<Sample> {
  return withPool(maker, 2, async (pool) => {
    const short = callersOf(pool, cpu(shortMicros), shortCallers);
    const long = callersOf(pool, cpu(longMicros), 1);
    const drive = async (ms: number): Promise<number[]> => {
      const [took] = await Promise.all([
        Promise.all(short.map((caller) => timedCalls(caller, ms))),
        saturate(long, ms),
      ]);
      return took.flat();
    };
    await drive(warmUpMs);
    const windowsMs = windowMs * windows;
    const took = await drive(windowsMs);
    return {
      figure: micros(took, 0.99),
      further: {
        'p50 µs': micros(took, 0.5),
        'max µs': micros(took, 1),
        'short calls/s': (took.length / windowsMs) * 1000,
      },
      ...totals([...short, ...long]),
    };
  });
}
