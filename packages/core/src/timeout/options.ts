import {
  above,
  label,
  objectWith,
  optional,
  required,
  resolveOptions,
  systemClock,
  type Clock,
  type OptionRules,
  type Rule,
} from '../core/index.ts';

/** What becomes of a call whose time is over. Both abort the task's `signal` then. */
export type TimeoutStrategy = 'abandon' | 'cooperative';

export interface TimeoutOptions {
  /** How long a call may take, in ms. Above 0. A nearer deadline of the call itself holds too. */
  readonly timeoutMs: number;
  /**
   * `'abandon'` rejects at once with TimeoutError, and whatever the task still comes to is dropped: the
   * caller is answered on time whatever the task does. `'cooperative'` waits until the task has settled,
   * so that nothing of it goes on behind the caller's back; for tasks that heed `signal`, and only them.
   * @default 'abandon'
   */
  readonly strategy?: TimeoutStrategy;
  /** @default 'timeout' */
  readonly name?: string;
  /** @default systemClock */
  readonly clock?: Clock;
}

export type ResolvedTimeoutOptions = Required<TimeoutOptions>;

const aStrategy: Rule<TimeoutStrategy> = {
  expected: "'abandon' or 'cooperative'",
  accepts: (v): v is TimeoutStrategy => v === 'abandon' || v === 'cooperative',
};

const rules: OptionRules<ResolvedTimeoutOptions> = {
  timeoutMs: required(above(0)),
  strategy: optional(aStrategy, () => 'abandon'),
  name: optional(label, () => 'timeout'),
  clock: optional(objectWith<Clock>('a Clock', 'nowMs', 'schedule'), () => systemClock),
};

/** @throws InvalidOptionsError naming every problem. */
export function resolveTimeoutOptions(given: TimeoutOptions): ResolvedTimeoutOptions {
  return resolveOptions('Timeout', given, rules);
}
