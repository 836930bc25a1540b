/**
 * A stretch of time that ends by itself. A clock that steps back, which it must not, does not make it
 * longer.
 */
export class Stretch {
  readonly #durationMs: number;
  #fromMs: number;
  #untilMs: number;

  constructor(fromMs: number, durationMs: number) {
    this.#durationMs = durationMs;
    this.#fromMs = fromMs;
    this.#untilMs = fromMs + durationMs;
  }

  /** What is left of it, in ms; rounded up, so that exactly so much later nothing is left. */
  leftMs(nowMs: number): number {
    if (nowMs >= this.#untilMs) return 0;
    if (nowMs < this.#fromMs) {
      this.#fromMs = nowMs;
      this.#untilMs = nowMs + this.#durationMs;
    }
    const leftMs = this.#untilMs - nowMs;
    return nowMs + leftMs < this.#untilMs ? leftMs * (1 + Number.EPSILON) : leftMs;
  }
}
