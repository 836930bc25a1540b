import {
  above,
  InvalidOptionsError,
  PoolStoppedError,
  integer,
  label,
  objectWith,
  optional,
  resolveOptions,
  shown,
  systemClock,
  type Clock,
  type CrossCheck,
  type OptionProblem,
  type OptionRule,
  type OptionRules,
} from '../core/index.ts';
import type { LimiterKind } from './limiter-kind.ts';

/** What every limiter takes beside its limit. */
export interface RateLimiterOptions {
  /** @default the algorithm: 'token-bucket' */
  readonly name?: string | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /**
   * Permits that callers of `wait` may be waiting for at a time, all together; the next one is refused
   * at once. A LeakyBucket takes its capacity instead. @default 10000
   */
  readonly maxWaiting?: number | undefined;
}

/** What a caller of `wait` may say. */
export interface WaitOptions {
  /** Ends the wait: the promise rejects with `signal.reason` at once, and nothing is taken. */
  readonly signal?: AbortSignal | undefined;
  /** A wait that cannot end within so many ms is refused at once. 0 or more. @default Infinity */
  readonly maxWaitMs?: number | undefined;
  /** Higher goes first. @default 0 */
  readonly priority?: number | undefined;
}

interface Shell {
  readonly name: string;
  readonly clock: Clock;
  readonly maxWaiting: number;
}

export type Resolved<O extends object> = O & Shell;

/** @throws InvalidOptionsError naming every option that is wrong. */
export function resolveLimiter<O extends object>(
  kind: LimiterKind<O>,
  given: unknown,
): Readonly<Resolved<O>> {
  const rules = {
    ...kind.rules,
    name: optional(label, () => kind.algorithm),
    clock: clockRule,
    ...(kind.maxWaiting ? {} : { maxWaiting: optional(integer(0), () => 10_000) }),
  } as OptionRules<Resolved<O>>;
  const checks = (kind.checks ?? []) as readonly CrossCheck<Resolved<O>>[];
  const resolved = resolveOptions(kind.subject, given, rules, checks);
  return kind.maxWaiting ? { ...resolved, maxWaiting: kind.maxWaiting(resolved) } : resolved;
}

export const clockRule: OptionRule<Clock, object> = optional(
  objectWith<Clock>('a Clock', 'nowMs', 'schedule'),
  (): Clock => systemClock,
);

/** @throws InvalidOptionsError when one of `fixed` is to be changed from what was `given`. */
export function refuseFixed(
  subject: string,
  changes: object,
  { given, fixed }: { readonly given: object; readonly fixed: readonly string[] },
): void {
  const before = given as Record<string, unknown>;
  const problems = Object.entries(changes)
    .filter(([option, value]) => fixed.includes(option) && value !== undefined)
    .filter(([option, value]) => value !== before[option])
    .map(([option, value]) => ({
      option,
      expected: 'left out: it cannot be changed, make a new limiter for that',
      got: shown(value),
    }));
  if (problems.length > 0) throw new InvalidOptionsError(subject, problems);
}

/** @throws InvalidOptionsError unless it is a finite number above 0. */
export function checkRate(subject: string, ratePerSecond: number): void {
  const rule = above(0);
  if (rule.accepts(ratePerSecond)) return;
  throw new InvalidOptionsError(subject, [
    { option: 'ratePerSecond', expected: rule.expected, got: shown(ratePerSecond) },
  ]);
}

const WAIT_OPTIONS = ['signal', 'maxWaitMs', 'priority'];

/** @throws InvalidOptionsError for an option that is not what {@link WaitOptions} says. */
export function checkWait(
  policy: string,
  options: WaitOptions,
  more: readonly string[] = [],
): void {
  const { signal, maxWaitMs = Infinity, priority = 0 } = options;
  const problems: OptionProblem[] = [];
  if (typeof maxWaitMs !== 'number' || !(maxWaitMs >= 0)) {
    problems.push({
      option: 'maxWaitMs',
      expected: 'a number of ms, 0 or more',
      got: shown(maxWaitMs),
    });
  }
  if (!Number.isFinite(priority)) {
    problems.push({ option: 'priority', expected: 'a finite number', got: shown(priority) });
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    problems.push({ option: 'signal', expected: 'an AbortSignal', got: shown(signal) });
  }
  const known = [...WAIT_OPTIONS, ...more];
  for (const [option, value] of Object.entries(options)) {
    if (known.includes(option)) continue;
    const expected = `left out: there is no such option, only ${known.join(', ')}`;
    problems.push({ option, expected, got: shown(value) });
  }
  if (problems.length > 0) throw new InvalidOptionsError(`${policy}.wait`, problems);
}

/** For a time that is none: it would let everything pass. */
export function timeError(policy: string, nowMs: unknown): RangeError {
  return new RangeError(
    `${policy}: the time must be a finite number of ms on the limiter's clock, got ${shown(nowMs)}`,
  );
}

/** @throws RangeError unless `n` is an integer from 1 to `capacity`. */
export function checkCount(policy: string, n: number, capacity: number): void {
  if (Number.isSafeInteger(n) && n >= 1 && n <= capacity) return;
  const never = n > capacity ? ' (a cost above the capacity can never pass)' : '';
  throw new RangeError(
    `${policy}: the number of permits must be an integer from 1 to the capacity of ${capacity}, got ${shown(n)}${never}`,
  );
}

/** For those who wait at a limiter that is stopped, or would. */
export function stoppedError(policy: string): PoolStoppedError {
  return new PoolStoppedError(policy, `${policy}: the limiter is stopped, nobody waits here`);
}
