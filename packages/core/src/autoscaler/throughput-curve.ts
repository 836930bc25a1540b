/** Completions at one size, as far as they are remembered. */
interface Cell {
  done: number;
  ms: number;
}

/** How throughput answers to size, around one size. */
export interface Slope {
  /**
   * By how many percent throughput grows for each percent of size. 1: every lane brings as much as the
   * last. 0: more lanes bring nothing. Below 0: they cost.
   */
  readonly elasticity: number;
  /** Its standard error. Large while only one size was seen. */
  readonly error: number;
  /** How much the elasticity changes while the size grows e-fold; mostly below 0. */
  readonly bend: number;
}

/**
 * How far around a size, in its logarithm, others speak for it. The near ones alone do, once they are enough
 * for this standard error: a curve may have a knee that a parabola over all sizes would round off.
 */
const NARROW = 0.35;
const NARROW_ERROR = 0.1;
const WIDE = 1.5;

/**
 * How much the elasticity usually changes while the size grows e-fold, and how sure that is (1 / variance).
 * The Universal Scalability Law has about this at half its peak and above.
 */
const USUAL_BEND = -0.4;
const BEND_PRECISION = 1 / 0.3 ** 2;
/** Of the elasticity itself next to nothing is known before. */
const SLOPE_PRECISION = 1 / 10 ** 2;

/** Below this share of a completion a cell is forgotten altogether. */
const TRACE = 0.5;

/** Weight of an older difference between two intervals against the next one. */
const NOISE_FADING = 0.98;
const LEAST_DISPERSION = 0.05;

/**
 * Throughput by size, from saturated intervals, fading with time. Completions are counts: the logarithm of
 * a rate measured by k of them has variance dispersion / k, where the dispersion (1 for a Poisson process) is
 * learnt from neighbouring intervals. O(sizes remembered) for each question.
 */
export class ThroughputCurve {
  readonly #cells = new Map<number, Cell>();
  /** Squared differences between neighbouring intervals, over what they are for a Poisson process. */
  #excess = 4;
  #pairs = 4;
  #last: { size: number; done: number; ms: number } = { size: 0, done: 0, ms: 0 };

  /** Variance of a count over its mean. */
  get dispersion(): number {
    return Math.max(LEAST_DISPERSION, this.#excess / this.#pairs);
  }

  add(size: number, done: number, ms: number): void {
    this.#learnNoise(size, done, ms);
    const cell = this.#cells.get(size);
    if (cell === undefined) {
      this.#cells.set(size, { done, ms });
    } else {
      cell.done += done;
      cell.ms += ms;
    }
  }

  /** What is remembered weighs `share` of what it did. */
  fade(share: number): void {
    for (const [size, cell] of this.#cells) {
      cell.done *= share;
      cell.ms *= share;
      if (cell.done < TRACE) this.#cells.delete(size);
    }
  }

  /** Forgets all but how noisy the pool is. */
  clear(): void {
    this.#cells.clear();
  }

  /** Completions remembered at `size`. */
  doneAt(size: number): number {
    return this.#cells.get(size)?.done ?? 0;
  }

  /** Completions to expect at `size` in `ms`, as far as is remembered; 0 where nothing is. */
  expectedAt(size: number, ms: number): number {
    const cell = this.#cells.get(size);
    return cell === undefined ? 0 : (cell.done * ms) / cell.ms;
  }

  /** Whether any size of `size` or below is remembered. */
  reachesDownTo(size: number): boolean {
    return this.#cells.keys().some((at) => at <= size);
  }

  /**
   * The slope at `size`: regression of the logarithm of rate on that of size by a parabola, weighted by
   * certainty and, by a Gaussian kernel, by nearness. The bend has a prior, as the noise of a few sizes
   * would bend it anyhow.
   * @see https://en.wikipedia.org/wiki/Local_regression
   */
  slopeAt(size: number): Slope {
    const near = this.#slopeWithin(NARROW, size);
    return near.error < NARROW_ERROR ? near : this.#slopeWithin(WIDE, size);
  }

  #slopeWithin(bandwidth: number, size: number): Slope {
    const [powers, products] = this.#momentsAround(size, bandwidth);
    const [w0, w1, w2, w3, w4] = powers;
    const [y0, y1, y2] = products;
    if (w0 === 0) return { elasticity: 0, error: Infinity, bend: USUAL_BEND };
    // y = level + slope x + bend x² / 2. The level, of which nothing is known before, is eliminated.
    const slopes = w2 - (w1 * w1) / w0 + SLOPE_PRECISION;
    const mixed = (w3 - (w1 * w2) / w0) / 2;
    const bends = (w4 - (w2 * w2) / w0) / 4 + BEND_PRECISION;
    const slopeSide = y1 - (w1 * y0) / w0;
    const bendSide = (y2 - (w2 * y0) / w0) / 2 + BEND_PRECISION * USUAL_BEND;
    const determinant = slopes * bends - mixed * mixed;
    return {
      elasticity: (bends * slopeSide - mixed * bendSide) / determinant,
      error: Math.sqrt(bends / determinant),
      bend: (slopes * bendSide - mixed * slopeSide) / determinant,
    };
  }

  /** Sums of weight × x^p for p from 0 to 4, and of weight × x^p × y for p from 0 to 2. */
  #momentsAround(
    size: number,
    bandwidth: number,
  ): readonly [[number, number, number, number, number], [number, number, number]] {
    const powers: [number, number, number, number, number] = [0, 0, 0, 0, 0];
    const products: [number, number, number] = [0, 0, 0];
    for (const [at, { done, ms }] of this.#cells) {
      const x = Math.log(at / size);
      // Half a completion more, so that the logarithm of a few is right on average.
      const y = Math.log((done + 0.5) / ms);
      const weight = (done / this.dispersion) * Math.exp(-0.5 * (x / bandwidth) ** 2);
      powers[0] += weight;
      powers[1] += weight * x;
      powers[2] += weight * x ** 2;
      powers[3] += weight * x ** 3;
      powers[4] += weight * x ** 4;
      products[0] += weight * y;
      products[1] += weight * x * y;
      products[2] += weight * x ** 2 * y;
    }
    return [powers, products];
  }

  #learnNoise(size: number, done: number, ms: number): void {
    const last = this.#last;
    if (size === last.size) {
      const before = (last.done * ms) / last.ms;
      if (before + done > 0) {
        this.#excess = NOISE_FADING * this.#excess + (done - before) ** 2 / (done + before);
        this.#pairs = NOISE_FADING * this.#pairs + 1;
      }
    }
    this.#last = { size, done, ms };
  }
}
