/** The cells of the state. */
const VALUE = 0;
const UPDATED_MS = 1;

/**
 * A moving average of latencies that believes bad news at once and good news by and by: a sample above it
 * replaces it, a smaller one pulls it down with the weight of the time that has passed. Without samples it
 * falls towards 0, so that what was slow is tried again. O(1), allocates nothing.
 * @see https://linkerd.io/2016/03/16/beyond-round-robin-load-balancing-for-latency/
 */
export class PeakEwma {
  readonly #decayMs: number;
  readonly #state: Float64Array = Float64Array.of(Number.NaN, 0);

  /** @param decayMs after so long a sample has 1/e of its weight. Above 0. */
  constructor(decayMs: number) {
    this.#decayMs = decayMs;
  }

  /** NaN until there is a sample. */
  at(nowMs: number): number {
    return this.#state[VALUE]! * this.#weightAt(nowMs);
  }

  observe(sampleMs: number, nowMs: number): void {
    const state = this.#state;
    const decayed = this.at(nowMs);
    state[VALUE] =
      sampleMs < state[VALUE]! ? decayed + sampleMs * (1 - this.#weightAt(nowMs)) : sampleMs;
    state[UPDATED_MS] = nowMs;
  }

  /** Forgets all samples. */
  clear(): void {
    this.#state[VALUE] = Number.NaN;
  }

  /** What is left of the weight of the last value. A clock that steps back does not make it more than all. */
  #weightAt(nowMs: number): number {
    return Math.exp(-Math.max(0, nowMs - this.#state[UPDATED_MS]!) / this.#decayMs);
  }
}
