import type { Sample, TrialPlan } from '../../harness/subject.ts';
import { callersOf, micros, saturate, timedCalls, totals, withPool } from '../drive.ts';
import type { PoolMaker } from '../pool.ts';
import { bytes, Caller, empty, nothing, type Work } from '../work.ts';

/** The payloads of the table of hand-overs. */
const payloads: Readonly<Record<string, Work>> = {
  '100 B': bytes(100, false),
  '1 KB': bytes(1024, false),
  '10 KB': bytes(10 * 1024, false),
  '64 KB copied': bytes(64 * 1024, false),
  '1 MB moved': bytes(1024 * 1024, true),
};

/** Median µs of a call that does nothing, by what it carries there and back. */
export function handoverTrial(
  maker: PoolMaker,
  { warmUpMs, windowMs }: TrialPlan,
): Promise<Sample> {
  return withPool(maker, 1, async (pool) => {
    const callers = callersOf(pool, nothing, 1);
    await saturate(callers, warmUpMs);
    const median = async (work: Work): Promise<number> => {
      const caller = new Caller(pool, work);
      callers.push(caller);
      await timedCalls(caller, warmUpMs / 2);
      return micros(await timedCalls(caller, windowMs / 2), 0.5);
    };
    const figure = await median(empty);
    const further: Record<string, number> = {};
    for (const [name, work] of Object.entries(payloads)) further[name] = await median(work);
    return { figure, further, ...totals(callers) };
  });
}
