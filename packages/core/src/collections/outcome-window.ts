/**
 * The recent outcomes of calls: how many there were, how many failed, how many were slow. What a
 * circuit breaker decides by, and all that it knows of its window.
 *
 * All counts are exact integers. A call may be both failed and slow.
 */
export interface OutcomeWindow {
  /** Counts one finished call. Positional, flags and all, as it runs on every call. */
  record(nowMs: number, failed: boolean, slow: boolean): void;
  /** Forgets what is too old at `nowMs`. Call it before the counts are read. */
  advanceTo(nowMs: number): void;
  /** Calls in the window. */
  readonly total: number;
  /** Those that failed. */
  readonly failures: number;
  /** Those that were slow. */
  readonly slow: number;
  /** Forgets all calls. */
  clear(): void;
}
