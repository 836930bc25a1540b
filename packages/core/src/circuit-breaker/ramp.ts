import { Stretch } from './stretch.ts';

/**
 * The way back to full traffic: one call in four during the first half of the time, one in two during
 * the second. By turns, not by chance, so that the share is exact; the first call of all is let in.
 */
export class Ramp {
  readonly #time: Stretch;
  readonly #halfMs: number;
  #asked = 0;

  /** @param leftMs what is still to come of `rampMs` */
  constructor(nowMs: number, rampMs: number, leftMs: number = rampMs) {
    this.#time = new Stretch(nowMs, leftMs);
    this.#halfMs = rampMs / 2;
  }

  leftMs(nowMs: number): number {
    return this.#time.leftMs(nowMs);
  }

  /** Whether the next call may go in: 0, or the ms after which any call may. */
  peek(nowMs: number): number {
    const leftMs = this.#time.leftMs(nowMs);
    const oneIn = leftMs > this.#halfMs ? 4 : 2;
    return this.#asked % oneIn === 0 ? 0 : leftMs;
  }

  /** As `peek`, and it is the next one's turn. */
  enter(nowMs: number): number {
    const waitMs = this.peek(nowMs);
    this.#asked++;
    return waitMs;
  }
}
