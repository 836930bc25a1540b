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

  /** Also those whose permits are there: they leave one by one, and the next one after them. */
  protected override promisedAfter(at: number, mark: number): number {
    return (this.state[at] as number) - mark;
  }
}
