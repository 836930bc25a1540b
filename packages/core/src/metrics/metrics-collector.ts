import { LogLinearHistogram } from '../collections/index.ts';

/** What the collector knows; every field is a finite number, also before the first request. */
export interface MetricsSnapshot {
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Shares of the total, 0 to 1; both 0 while there is none. */
  readonly successRate: number;
  readonly errorRate: number;
  /** Durations in ms: exact, but for the percentiles, which are within 1 %. All 0 while there is none. */
  readonly minMs: number;
  readonly maxMs: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

const PERCENTILES = [0.5, 0.9, 0.95, 0.99, 0.999] as const;

/**
 * Counts requests and their durations, from the start of the process on. Counts are exact. Recording
 * is O(1) and does not allocate; about 10 KB in all, however many requests.
 */
export class MetricsCollector {
  readonly #durations = new LogLinearHistogram();
  #succeeded = 0;
  #failed = 0;

  /** Records one request. A duration that is not a finite number of at least 0 counts as 0 ms. */
  record(durationMs: number, succeeded: boolean): void {
    if (succeeded) this.#succeeded++;
    else this.#failed++;
    this.#durations.record(durationMs >= 0 && durationMs < Infinity ? durationMs : 0);
  }

  /** The histogram behind the percentiles, for exporters. */
  get durations(): LogLinearHistogram {
    return this.#durations;
  }

  /** Adds what another collector counted. */
  merge(other: MetricsCollector): void {
    this.#succeeded += other.#succeeded;
    this.#failed += other.#failed;
    this.#durations.merge(other.#durations);
  }

  /** O(buckets of the histogram): made for once a second, not for each call. */
  snapshot(): MetricsSnapshot {
    const [succeeded, failed] = [this.#succeeded, this.#failed];
    const total = succeeded + failed;
    const [p50Ms, p90Ms, p95Ms, p99Ms, p999Ms] = this.#durations.percentiles(PERCENTILES) as [
      number,
      number,
      number,
      number,
      number,
    ];
    return {
      total,
      succeeded,
      failed,
      successRate: total === 0 ? 0 : succeeded / total,
      errorRate: total === 0 ? 0 : failed / total,
      minMs: this.#durations.min,
      maxMs: this.#durations.max,
      meanMs: this.#durations.mean,
      p50Ms,
      p90Ms,
      p95Ms,
      p99Ms,
      p999Ms,
    };
  }
}
