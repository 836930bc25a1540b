import { ManualClock, settlePromises } from './manual-clock.ts';
import type { ConformingLimiter, RateLimiterSubject } from './rate-limiter-subject.ts';

const RATES = [0.001, 0.07, 1 / 3, 10 / 3, 7, 99.9, 12_345.678, 1e6];
const CAPACITIES = [1, 2, 7, 40];
const ORIGINS = [0, 12.345, 8.64e7 + 0.1, 1.7e12];
export const STEPS: readonly number[] = [0.1, 1 / 3, 0.7, 10 / 3];

/** One awkward setting: the limiter, its clock, and how long a permit takes. */
export interface Trial {
  /** Verbs that the subject is without are missing; no case runs that needs them. */
  readonly limiter: Required<ConformingLimiter>;
  readonly clock: ManualClock;
  readonly ratePerSecond: number;
  readonly capacity: number;
  readonly permitMs: number;
  readonly where: string;
  readonly subject: RateLimiterSubject;
}

export type Check = (trial: Trial) => void | Promise<void>;

export function* trials(subject: RateLimiterSubject): Generator<Trial> {
  for (const ratePerSecond of RATES) {
    for (const capacity of CAPACITIES) {
      for (const originMs of ORIGINS) {
        const clock = new ManualClock(originMs);
        const created = subject.create({ clock, ratePerSecond, capacity });
        const limiter = created as Required<ConformingLimiter>;
        const where = `${ratePerSecond} per second, capacity ${capacity}, clock from ${originMs}`;
        const permitMs = 1000 / ratePerSecond;
        yield { limiter, clock, ratePerSecond, capacity, permitMs, where, subject };
      }
    }
  }
}

/** Longer than any algorithm needs to have its capacity again, a cold and spent one included. */
export function restMs({ capacity, permitMs }: Trial): number {
  return 8 * (capacity + 1) * permitMs;
}

/** What rounding may amount to at such a time. Below it, nothing is promised. */
export function roundingMs(nowMs: number): number {
  return 32 * Number.EPSILON * Math.max(1, Math.abs(nowMs));
}

/** Whether times of this limiter can be told apart on its clock. */
export function isFine({ clock, permitMs }: Trial): boolean {
  return permitMs > 100 * roundingMs(clock.nowMs());
}

export function must(holds: boolean, what: string, trial: Trial): asserts holds {
  if (!holds) throw new Error(`${what} (${trial.where}, now ${trial.clock.nowMs()})`);
}

export function spend({ limiter, capacity }: Trial): void {
  for (let n = capacity; n > 0 && limiter.allow(); n--);
}

/** What a promise rejects with; undefined when it does not. */
export async function outcome(act: () => Promise<unknown>): Promise<unknown> {
  let reason: unknown;
  const settled = act().catch((thrown: unknown) => {
    reason = thrown;
  });
  await settlePromises();
  await Promise.race([settled, Promise.resolve()]);
  return reason;
}

export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
