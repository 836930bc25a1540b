/**
 * - `closed`: calls go through, and are counted.
 * - `open`: calls are refused until the open time is over.
 * - `half-open`: a few calls go through as probes.
 * - `forced-open`: all calls are refused until somebody says otherwise.
 * - `disabled`: all calls go through, and nothing is judged.
 * - `metrics-only`: all calls go through and are counted, and it never opens.
 */
export type CircuitState =
  | 'closed'
  | 'open'
  | 'half-open'
  | 'forced-open'
  | 'disabled'
  | 'metrics-only';

/** Why a breaker changed its state. */
export type StateChangeReason =
  | 'consecutive-failures'
  | 'failure-rate'
  | 'slow-call-rate'
  | 'open-time-over'
  | 'probes-succeeded'
  | 'probe-failed'
  | 'probes-slow'
  | 'half-open-timeout'
  | 'manual'
  | 'isolated'
  | 'released'
  | 'reset'
  | 'restored';

export interface StateChange {
  readonly from: CircuitState;
  readonly to: CircuitState;
  readonly reason: StateChangeReason;
  /** On the breaker's clock. */
  readonly atMs: number;
}

export interface CircuitBreakerEvents {
  stateChange: StateChange;
}

export interface CircuitBreakerStats {
  readonly state: CircuitState;
  /** Share of failures in the window, 0 to 1; 0 while the window is empty. */
  readonly failureRate: number;
  /** Share of slow calls in the window, 0 to 1; 0 while the window is empty. */
  readonly slowCallRate: number;
  readonly windowCalls: number;
  readonly windowFailures: number;
  readonly windowSlowCalls: number;
  readonly consecutiveFailures: number;
  /** Until the next probe may go in, in ms; 0 unless open. */
  readonly retryAfterMs: number;
  /**
   * Calls let in since the start. Each of them is, in the end, one of `succeeded`, `failed`, `ignored`
   * and `lost`; the rest is under way.
   */
  readonly permitted: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly ignored: number;
  /** Permits that were dropped without a word. */
  readonly lost: number;
  readonly notPermitted: number;
}
