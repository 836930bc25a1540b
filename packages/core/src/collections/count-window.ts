import type { OutcomeWindow } from './outcome-window.ts';
import { requireInteger } from './require-integer.ts';

const FAILED = 1;
const SLOW = 2;

/**
 * The outcomes of the last `size` calls, however long ago they were. Under little traffic it judges
 * by old news; to judge by the last seconds take {@link TimeWindow}.
 *
 * O(1) to record and to read, nothing allocates; one byte per call held.
 */
export class CountWindow implements OutcomeWindow {
  /** The flags of each call. A slot not yet used has none, so it can be overwritten like any other. */
  #flags: Uint8Array;
  #next = 0;
  #total = 0;
  #failures = 0;
  #slow = 0;

  /**
   * @param size Calls that the window holds.
   * @throws RangeError when `size` is not an integer of at least 1.
   */
  constructor(size: number) {
    this.#flags = new Uint8Array(requireInteger('CountWindow: size', size, 1));
  }

  /** Calls that the window holds when it is full. */
  get size(): number {
    return this.#flags.length;
  }

  /** Calls in the window, 0 to `size`. */
  get total(): number {
    return this.#total;
  }

  get failures(): number {
    return this.#failures;
  }

  get slow(): number {
    return this.#slow;
  }

  /** Counts one call, in the place of the oldest when the window is full. Needs no time. */
  record(_nowMs: number, failed: boolean, slow: boolean): void {
    const lost = this.#flags[this.#next]!;
    const flags = (failed ? FAILED : 0) | (slow ? SLOW : 0);
    this.#flags[this.#next] = flags;
    this.#next = this.#next + 1 === this.size ? 0 : this.#next + 1;
    if (this.#total < this.size) this.#total++;
    this.#failures += (flags & FAILED) - (lost & FAILED);
    this.#slow += ((flags & SLOW) - (lost & SLOW)) >> 1;
  }

  /** Does nothing: here a call grows old by later calls, not by time. */
  advanceTo(_nowMs: number): void {}

  clear(): void {
    this.#flags.fill(0);
    this.#next = 0;
    this.#total = 0;
    this.#failures = 0;
    this.#slow = 0;
  }

  /**
   * Sets how many calls the window holds, and keeps the newest of those it has. O(n).
   * @throws RangeError when `size` is not an integer of at least 1.
   */
  resize(size: number): void {
    requireInteger('CountWindow: size', size, 1);
    const old = this.#flags;
    const kept = Math.min(this.#total, size);
    const oldest = this.#next - kept + old.length;
    this.#flags = new Uint8Array(size);
    this.clear();
    for (let age = 0; age < kept; age++) {
      const flags = old[(oldest + age) % old.length]!;
      this.record(0, (flags & FAILED) !== 0, (flags & SLOW) !== 0);
    }
  }
}
