import { PeakEwma } from './peak-ewma.ts';

/** The time constant of the latency. */
const DECAY_MS = 10_000;
/** What a target that never answered is charged for a request beside the one that it has. */
const UNKNOWN_MS = 1000;
/**
 * A failure counts as an answer so many times slower than usual, as one that refuses at once is not fast.
 * No more than that: what is dead is to have those few failures soon for which it is ejected.
 */
const FAILURE_FACTOR = 2;
/**
 * What the first failure of a target is charged, of which nothing else is known. Little, since it may have
 * been asked while it was still starting: after a second's charge it would get no request for a minute.
 */
const FIRST_FAILURE_MS = 20;
/** Failures alone drive the latency no higher. */
const FAILURE_CAP_MS = 10_000;
/** Below this two latencies are alike, and the requests under way decide. */
const LEAST_MS = 0.01;

/**
 * What one more request to a target would cost: its latency times the requests that it would have then.
 * The latency is the {@link PeakEwma} of the times to the header, or the mean age of the requests without a
 * header if that is more: a target that hangs is noticed before it answers. O(1), allocates nothing.
 */
export class Load {
  readonly #latency = new PeakEwma(DECAY_MS);
  /** When the requests without a header were sent, all added up. */
  readonly #sentMs: Float64Array = new Float64Array(1);
  #unanswered = 0;
  #inFlight = 0;

  get inFlight(): number {
    return this.#inFlight;
  }

  /** 0 for one of which nothing is known and that has nothing to do: its first answer will tell. */
  cost(nowMs: number): number {
    const known = this.#latency.at(nowMs);
    if (Number.isNaN(known) && this.#inFlight === 0) return 0;
    const latencyMs = Math.max(LEAST_MS, Number.isNaN(known) ? UNKNOWN_MS : known);
    return Math.max(latencyMs, this.#ageMs(nowMs)) * (this.#inFlight + 1);
  }

  /** undefined while nothing is known. */
  latencyMs(nowMs: number): number | undefined {
    const known = this.#latency.at(nowMs);
    return Number.isNaN(known) ? undefined : known;
  }

  /** Forgets how fast the target was. */
  forget(): void {
    this.#latency.clear();
  }

  send(nowMs: number): void {
    this.#inFlight++;
    this.#unanswered++;
    this.#sentMs[0]! += nowMs;
  }

  /** The header of the answer to a request is here. */
  answer(nowMs: number, sentMs: number, latencyMs: number): void {
    this.#leaveUnanswered(sentMs);
    this.#latency.observe(latencyMs, nowMs);
  }

  /** A request was given up before it had an answer. */
  giveUp(sentMs: number): void {
    this.#leaveUnanswered(sentMs);
  }

  /** A request that was answered, or given up, is over. */
  end(): void {
    this.#inFlight--;
  }

  /** A request failed that took so long. */
  chargeFailure(nowMs: number, tookMs: number): void {
    const known = this.latencyMs(nowMs) ?? FIRST_FAILURE_MS / FAILURE_FACTOR;
    const charged = Math.min(FAILURE_CAP_MS, FAILURE_FACTOR * Math.max(known, 1));
    this.#latency.observe(Math.max(charged, known, tookMs), nowMs);
  }

  /** An answer would have taken longer than this. */
  chargeAtLeast(nowMs: number, tookMs: number): void {
    if (!(tookMs <= this.#latency.at(nowMs))) this.#latency.observe(tookMs, nowMs);
  }

  #ageMs(nowMs: number): number {
    return this.#unanswered === 0 ? 0 : nowMs - this.#sentMs[0]! / this.#unanswered;
  }

  #leaveUnanswered(sentMs: number): void {
    this.#unanswered--;
    // Also takes away what the sums have lost by rounding.
    this.#sentMs[0] = this.#unanswered === 0 ? 0 : this.#sentMs[0]! - sentMs;
  }
}
