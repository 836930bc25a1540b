import type { LoadSample, SizeBounds } from './load-sample.ts';

/** Weight of the last interval in the two means. */
const FAST = 1 / 5;
const SLOW = 1 / 30;

/** A task that waits longer than this share of its run is worth a lane, unless an option says when. */
const WAIT_SHARE = 0.1;

/** Lanes in use, as a share: above it one more is wanted, below it some are given back, down to it. */
const BUSY = 0.85;
const QUIET = 0.5;
const GIVEN_BACK_TO = 0.7;

/** Intervals from one change to the next. */
const GROW_AFTER = 3;
const SHRINK_AFTER = 30;

const STEP_SHARE = 0.1;

/** How many lanes the load asks for while they are not all in use. */
export class Demand {
  #active = 0;
  #queued = 0;
  #completed = 0;
  #durationMs = 0;
  #slowActive = 0;
  #intervals = 0;

  note(sample: LoadSample): void {
    // The first interval is the mean of all there were.
    const first = this.#durationMs === 0;
    const share = first ? 1 : FAST;
    this.#active += share * (sample.active - this.#active);
    this.#queued += share * (sample.queued - this.#queued);
    this.#completed += share * (sample.completed - this.#completed);
    this.#durationMs += share * (sample.durationMs - this.#durationMs);
    this.#slowActive += (first ? 1 : SLOW) * (sample.active - this.#slowActive);
    this.#intervals++;
  }

  /** Whether tasks wait so long that a lane should be added: by Little's law, from means. */
  waitsLongerThan(targetWaitMs: number | undefined): boolean {
    if (targetWaitMs === undefined) return this.#queued > WAIT_SHARE * this.#active;
    return this.#queued * this.#durationMs > targetWaitMs * this.#completed;
  }

  /** The size for a load that `size` lanes are enough for, or nearly so. */
  sizeFor(size: number, bounds: SizeBounds, targetWaitMs: number | undefined): number {
    const waits = this.waitsLongerThan(targetWaitMs);
    const isBusy = this.#active > BUSY * size;
    if (isBusy && waits && this.#intervals >= GROW_AFTER) {
      this.#intervals = 0;
      return Math.min(bounds.max, size + Math.max(1, Math.round(size * STEP_SHARE)));
    }
    if (this.#slowActive < QUIET * size && !waits && this.#intervals >= SHRINK_AFTER) {
      this.#intervals = 0;
      const enough = Math.ceil(this.#slowActive / GIVEN_BACK_TO);
      return Math.max(bounds.min, Math.ceil(size / 2), enough);
    }
    return size;
  }
}
