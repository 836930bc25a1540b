import type { Taken } from './algorithm.ts';
import { GcraAlgorithm } from './gcra.ts';

/**
 * Leaky bucket. As a meter it is a token bucket seen from the other side: what is in it is what is
 * missing there. As a shaper it lets the next caller leave when all that came before has leaked.
 * @see https://en.wikipedia.org/wiki/Leaky_bucket
 */
export class LeakyAlgorithm extends GcraAlgorithm {
  /** The bucket lets a caller go when it is empty but for those ahead of him. */
  override turnMs(at: number, nowMs: number, ahead: number, n: number): number {
    return n > this.capacity ? Infinity : this.waitMs(at, nowMs, this.capacity, ahead);
  }

  /** Nothing when somebody came later: he was told to leave when this has leaked, and the next one leaves after him. */
  override giveBack(at: number, nowMs: number, taken: Taken): number {
    const mark = this.mark(at);
    const rounding = 16 * Number.EPSILON * (this.capacity + Math.abs(mark));
    return mark - taken.mark > rounding ? 0 : super.giveBack(at, nowMs, taken);
  }
}
