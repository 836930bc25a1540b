/** A little less than one hedge, as ten tenths are less than one. */
const ONE_HEDGE = 1 - 1e-9;

/**
 * Bounds the hedges of any n calls in a row to `ratio` × n + `floor`. A bucket of tokens that is filled by
 * calls, not by time. O(1), allocates nothing.
 */
export class HedgeBudget {
  #ratio: number;
  #floor: number;
  #tokens: number;

  constructor(ratio: number, floor: number) {
    this.#ratio = ratio;
    this.#floor = floor;
    this.#tokens = floor;
  }

  update(ratio: number, floor: number): void {
    this.#ratio = ratio;
    this.#floor = floor;
    this.#tokens = Math.min(this.#tokens, floor);
  }

  /** A call begins. */
  deposit(): void {
    this.#tokens = Math.min(this.#floor, this.#tokens + this.#ratio);
  }

  /** Whether a hedge may be made; if so, it is paid for. */
  withdraw(): boolean {
    if (this.#tokens < ONE_HEDGE) return false;
    this.#tokens = Math.max(0, this.#tokens - 1);
    return true;
  }
}
