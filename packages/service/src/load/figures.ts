import type { LoadShape } from './plan.ts';

/** Latencies in ms; percentiles lie within 1 % of the exact ones, max is exact. */
export interface LatencySummary {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What a run counted. */
export interface LoadFigures {
  readonly method: string;
  readonly url: string;
  readonly shape: LoadShape;
  /** How long requests were to be sent, in ms. */
  readonly durationMs: number;
  readonly timeoutMs: number;
  /** From the start until the last answer came, in ms. */
  readonly elapsedMs: number;
  /** Whether the run was ended early. */
  readonly interrupted: boolean;
  /** Requests that were due: those sent and those dropped. */
  readonly offered: number;
  readonly sent: number;
  /** Due but not sent: too many were outstanding, or the generator could not keep up. */
  readonly dropped: { readonly inFlightLimit: number; readonly outOfTime: number };
  /** Sent and without an answer when the run was ended early. */
  readonly unfinished: number;
  /** Most requests that were outstanding at once. */
  readonly peakInFlight: number;
  readonly offeredPerSecond: number;
  /** Successes per second, over a window as long as the run that opens with the first of them. */
  readonly goodputPerSecond: number;
  /** Answers of 429 and 503 per second, in the same way. */
  readonly refusedPerSecond: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests without a whole answer, by kind of error. */
  readonly errors: Readonly<Record<string, number>>;
  /** From when a request was due until the end of its answer. Null where there was no answer. */
  readonly latencyMs: {
    readonly success: LatencySummary | null;
    /** 429 and 503. */
    readonly refusal: LatencySummary | null;
    /** Any other status. */
    readonly other: LatencySummary | null;
  };
  /** How far sends lagged behind their due times. Null in a closed loop, where none is ever due. */
  readonly lateMs: LatencySummary | null;
}

export interface LoadReport extends LoadFigures {
  /** The outcome in a line. */
  readonly verdict: string;
  /** What to know before believing the figures. */
  readonly notes: readonly string[];
}
