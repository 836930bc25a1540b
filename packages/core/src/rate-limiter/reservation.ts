/** Permits taken in advance. Use them when `waitMs` have passed, or give them back. */
export interface Reservation {
  /** How long from the reservation on until its permits are there, in ms; 0: use them now. */
  readonly waitMs: number;
  /**
   * Gives the permits back, once: later calls do nothing. What has not been spent comes back: permits
   * that the limiter has earned anew since they were due would have run over its rim. Where later callers
   * were told to wait behind them, they come back when those have gone or given back, too. Returns how
   * many come back, fractions included.
   */
  cancel(): number;
}
