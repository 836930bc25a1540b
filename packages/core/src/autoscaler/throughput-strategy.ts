import {
  above,
  aDuration,
  optional,
  orUndefined,
  resolveOptions,
  type OptionRules,
} from '../core/index.ts';
import { ChangeDetector } from './change-detector.ts';
import { Demand } from './demand.ts';
import type { LoadSample, ScalingStrategy, SizeBounds } from './load-sample.ts';
import { ThroughputCurve } from './throughput-curve.ts';

export interface ThroughputStrategyOptions {
  /**
   * What a lane must bring: percent of throughput for each percent of lanes. Above 0. Larger values stop
   * further below the peak, and spare the resource. @default 0.05
   */
  readonly leastGain?: number;
  /** Lanes are added only while tasks wait longer than this, in ms. @default a tenth of their run time */
  readonly targetWaitMs?: number | undefined;
}

const rules: OptionRules<Required<ThroughputStrategyOptions>> = {
  leastGain: optional(above(0), () => 0.05),
  targetWaitMs: optional(orUndefined(aDuration), () => undefined),
};

/** An interval shows what the lanes can do when more were wanted for so much of it. */
const SATURATED = 0.9;
/** How far the tasks that run may be from the size: some of a larger size may still run. */
const STRAY_SHARE = 0.05;

/** What an interval weighs after the next: a quarter of an hour of seconds. A changed plant is forgotten at once. */
const FADING = 1 - 1 / 900;

/** Intervals, and completions, measured at a size before anything is concluded. */
const SEARCH_INTERVALS = 3;
const PROBE_INTERVALS = 8;
const REST_INTERVALS = 24;
const FEWEST_DONE = 20;

/** While climbing a wrong step is mended by the next; later it would be a flutter. In standard errors. */
const SURE_TO_CLIMB = 0.4;
const SURE_TO_MOVE = 2.5;
/** Half the width of the band of slopes, around what a lane must bring, in which a settled size stays. */
const SLACK = 0.04;

const STEP = 1.25;
const LEAP = 1.6;
/** From this slope on the lanes hardly hinder each other. */
const FREE_SLOPE = 0.4;

/** While refining, sizes around the best one, so far away that their difference shows. */
const CONTRAST = 1.4;
/** A straighter line would send it far for little. */
const LEAST_BEND = 0.2;
const LONGEST_SHIFT = 0.3;
/** So near is the best size, in its logarithm, when refining may end. */
const NEAR = 0.15;
/** In doubt fewer lanes: this many standard errors below what the slope seems to be. */
const CAUTION = 0.25;
/** The slope is known well enough, or, after so many rounds, had better not be paid for any longer. */
const FINE_ERROR = 0.05;
const COARSE_ERROR = 0.12;
const PATIENT_ROUNDS = 20;

const PROBE_SHARE = 0.1;

/**
 * For lanes in front of something shared: grows while another lane still buys throughput and stops when it
 * does not, so that a contended resource is not driven past its peak. Climbs from where the pool stands,
 * refines around the best size by sizes 40 % above and below, then stays there and probes 10 % (at least one
 * lane) above or below for a quarter of the time. Moves only for what is significant beside the noise, which it learns.
 * When the pool does much more or less than it did at the same size it starts over from there.
 *
 * Only saturated intervals teach it anything. In the others lanes are added while tasks wait too long, and given
 * back when half of them are idle; the size that was found is returned to at once when the load is back.
 * For CPU work take {@link UtilisationStrategy}. O(sizes seen) an interval.
 *
 * It looks at counts of completed tasks: the more there are in an interval, the sooner it is sure. 100 a second
 * settle within a minute or two, 10 a second within ten minutes.
 * @see https://en.wikipedia.org/wiki/Neil_J._Gunther#Universal_Scalability_Law
 */
export class ThroughputStrategy implements ScalingStrategy {
  readonly #options: Required<ThroughputStrategyOptions>;
  readonly #curve = new ThroughputCurve();
  readonly #changes = new ChangeDetector();
  readonly #demand = new Demand();
  #phase: 'climb' | 'refine' | 'settled' = 'climb';
  /** The best size so far; 0 while there is none. */
  #best = 0;
  /** The size of the intervals that are counted. */
  #size = 0;
  #intervals = 0;
  #done = 0;
  #rounds = 0;
  #sinceMove = 0;
  #probes = 0;

  /** @throws InvalidOptionsError naming every option that is wrong. */
  constructor(options: ThroughputStrategyOptions = {}) {
    this.#options = resolveOptions('ThroughputStrategy', options, rules);
  }

  decide(sample: LoadSample, bounds: SizeBounds): number {
    const { size } = sample;
    const isFirst = size !== this.#size;
    if (isFirst) this.#countFrom(size);
    this.#demand.note(sample);
    if (sample.pressedShare < SATURATED) return this.#unsaturated(size, bounds);
    if (this.#best === 0) this.#best = size;
    this.#best = Math.min(bounds.max, Math.max(bounds.min, this.#best));
    if (this.#phase === 'settled' && size < this.#lowestProbe(bounds)) {
      return Math.min(this.#best, size * 2);
    }
    const strays = Math.abs(sample.active - size);
    if (isFirst || strays > Math.max(0.5, STRAY_SHARE * size)) return size;
    this.#learn(sample);
    return this.#isMeasured() ? this.#next(size, bounds) : size;
  }

  #countFrom(size: number): void {
    this.#size = size;
    this.#intervals = 0;
    this.#done = 0;
  }

  #unsaturated(size: number, { min, max }: SizeBounds): number {
    const most = this.#phase === 'settled' ? Math.max(size, Math.min(max, this.#best)) : max;
    const wanted = this.#demand.sizeFor(size, { min, max: most }, this.#options.targetWaitMs);
    // What was found by lanes that were all in use is kept; a search goes on from where the load leads.
    if (wanted !== size && this.#phase !== 'settled') this.#best = 0;
    return wanted;
  }

  #learn({ size, completed: done, durationMs }: LoadSample): void {
    const known = this.#curve.doneAt(size);
    const expected = this.#curve.expectedAt(size, durationMs);
    const { dispersion } = this.#curve;
    if (this.#changes.isAnother({ size, done, expected, known, dispersion })) {
      this.#countFrom(this.#startOver(size));
    }
    this.#curve.fade(FADING);
    this.#curve.add(size, done, durationMs);
    this.#intervals++;
    this.#sinceMove++;
    this.#done += done;
  }

  /** Whether the present size has been looked at for long enough. */
  #isMeasured(): boolean {
    const settled = this.#size === this.#best ? REST_INTERVALS : PROBE_INTERVALS;
    const enough = this.#phase === 'settled' ? settled : SEARCH_INTERVALS;
    return this.#intervals >= enough && this.#done >= FEWEST_DONE;
  }

  #next(size: number, bounds: SizeBounds): number {
    if (this.#phase === 'settled') return this.#hold(size, bounds);
    if (!this.#demand.waitsLongerThan(this.#options.targetWaitMs)) return size;
    return this.#phase === 'climb' ? this.#climb(size, bounds) : this.#refine(size, bounds);
  }

  #climb(size: number, bounds: SizeBounds): number {
    const { min, max } = bounds;
    const best = this.#best;
    if (this.#curve.doneAt(best) === 0) return best;
    const { elasticity, error } = this.#curve.slopeAt(best);
    const gain = elasticity - this.#options.leastGain;
    const doubt = SURE_TO_CLIMB * error;
    if (gain > doubt) {
      if (best >= max) return this.#settle();
      const isFree = elasticity - 2 * doubt > FREE_SLOPE;
      this.#best = Math.min(max, Math.ceil(best * (isFree ? LEAP : STEP)));
      return this.#best;
    }
    if (gain < -doubt || error < FINE_ERROR) {
      const isBracketed = best <= min || this.#curve.reachesDownTo(Math.ceil(best / STEP));
      if (!isBracketed) return this.#stepDown(min);
      this.#phase = 'refine';
      this.#rounds = 0;
      return this.#refine(size, bounds);
    }
    // Only another size can tell.
    if (size !== best) return best;
    const lower = Math.max(min, Math.floor(best / STEP));
    return lower < best ? lower : Math.min(max, Math.ceil(best * STEP));
  }

  #stepDown(min: number): number {
    this.#best = Math.max(min, Math.floor(this.#best / STEP));
    return this.#best;
  }

  #refine(size: number, { min, max }: SizeBounds): number {
    const { elasticity, error: doubt, bend } = this.#curve.slopeAt(this.#best);
    const gain = elasticity - CAUTION * doubt - this.#options.leastGain;
    const shift = gain / Math.max(LEAST_BEND, -bend);
    const bounded = Math.max(-LONGEST_SHIFT, Math.min(LONGEST_SHIFT, shift));
    this.#best = Math.min(max, Math.max(min, Math.round(this.#best * Math.exp(bounded))));
    this.#rounds++;
    const isStill = Math.abs(shift) < NEAR || this.#best === min || this.#best === max;
    const { error } = this.#curve.slopeAt(this.#best);
    const bearable = this.#rounds > PATIENT_ROUNDS ? COARSE_ERROR : FINE_ERROR;
    if (isStill && error < bearable) return this.#settle();
    if (size >= this.#best) {
      const lower = Math.max(min, Math.floor(this.#best / CONTRAST));
      if (lower < size) return lower;
    }
    return Math.min(max, Math.ceil(this.#best * CONTRAST));
  }

  #settle(): number {
    this.#phase = 'settled';
    this.#sinceMove = 0;
    return this.#best;
  }

  /** What is remembered was another plant. */
  #startOver(size: number): number {
    this.#curve.clear();
    this.#phase = 'climb';
    this.#best = size;
    return size;
  }

  #hold(size: number, bounds: SizeBounds): number {
    if (size !== this.#best) return this.#best;
    const { elasticity, error } = this.#curve.slopeAt(this.#best);
    const gain = elasticity - this.#options.leastGain;
    const doubt = SURE_TO_MOVE * error + SLACK;
    const upper = Math.min(bounds.max, this.#best + probeOf(this.#best));
    const lower = this.#lowestProbe(bounds);
    if (elasticity - SURE_TO_MOVE * error > FREE_SLOPE && upper > this.#best) {
      return this.#startOver(upper);
    }
    if (this.#sinceMove >= REST_INTERVALS + PROBE_INTERVALS && Math.abs(gain) > doubt) {
      this.#sinceMove = 0;
      this.#best = gain > 0 ? upper : lower;
      return this.#best;
    }
    this.#probes++;
    // Above what seems best also now and then: a plant that has grown shows nowhere else.
    const isWanted = gain > 0 || this.#probes % 2 === 0;
    const isUp = (isWanted && upper > this.#best) || lower === this.#best;
    return isUp && this.#demand.waitsLongerThan(this.#options.targetWaitMs) ? upper : lower;
  }

  #lowestProbe({ min }: SizeBounds): number {
    return Math.max(min, this.#best - probeOf(this.#best));
  }
}

function probeOf(size: number): number {
  return Math.max(1, Math.round(size * PROBE_SHARE));
}
