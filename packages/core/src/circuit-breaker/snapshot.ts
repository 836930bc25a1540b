import {
  atLeast,
  integer,
  required,
  resolveOptions,
  type CrossCheck,
  type OptionRules,
  type Rule,
} from '../core/index.ts';
import type { CircuitState } from './states.ts';
import type { WindowCounts } from './windows.ts';

/** What a breaker knows that is worth a restart: plain JSON, and times only as what is left of them. */
export interface CircuitBreakerSnapshot extends WindowCounts {
  readonly version: 1;
  readonly state: CircuitState;
  readonly consecutiveFailures: number;
  /** Recoveries that failed in a row. */
  readonly relapses: number;
  /** Left of the open time, in ms; 0 unless open. */
  readonly openForMs: number;
  /** Left of the ramp, in ms; 0 unless traffic is held back. */
  readonly rampForMs: number;
}

const STATES: readonly unknown[] = [
  'closed',
  'open',
  'half-open',
  'forced-open',
  'disabled',
  'metrics-only',
] satisfies CircuitState[];

const version: Rule<1> = { expected: '1', accepts: (v): v is 1 => v === 1 };

const state: Rule<CircuitState> = {
  expected: `one of ${STATES.join(', ')}`,
  accepts: (v): v is CircuitState => STATES.includes(v),
};

const rules: OptionRules<CircuitBreakerSnapshot> = {
  version: required(version),
  state: required(state),
  consecutiveFailures: required(integer(0)),
  relapses: required(integer(0)),
  openForMs: required(atLeast(0)),
  rampForMs: required(atLeast(0)),
  windowCalls: required(integer(0)),
  windowFailures: required(integer(0)),
  windowSlowCalls: required(integer(0)),
};

const atMostCalls =
  (option: 'windowFailures' | 'windowSlowCalls'): CrossCheck<CircuitBreakerSnapshot> =>
  (snapshot) =>
    snapshot[option] > snapshot.windowCalls
      ? {
          option,
          expected: `at most windowCalls (${snapshot.windowCalls})`,
          got: `${snapshot[option]}`,
        }
      : undefined;

/** @throws InvalidOptionsError naming every problem of what is no snapshot, or an old or a damaged one. */
export function checkedSnapshot(given: unknown): CircuitBreakerSnapshot {
  return resolveOptions('CircuitBreaker snapshot', given, rules, [
    atMostCalls('windowFailures'),
    atMostCalls('windowSlowCalls'),
  ]);
}
