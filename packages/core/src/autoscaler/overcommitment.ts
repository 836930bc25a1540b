import type { LoadSample } from './load-sample.ts';

/** What an overcommitment is bounded by, in workers. */
export interface CommitmentBounds {
  readonly min: number;
  readonly max: number;
  /** What the workers can have together. As many workers as these have nothing to prove. */
  readonly cpus: number;
}

/** An interval shows what the workers can do when more were wanted for so much of it. */
const SATURATED = 0.8;

/** Intervals measured at a size before it is judged: at least so many, and until their mean is so certain. */
const FEWEST_INTERVALS = 3;
const MOST_INTERVALS = 16;
const CLIMB_ERROR = 0.06;
const CHECK_ERROR = 0.02;

/** From one check of a size to the next; twice as long after each that confirmed it. */
const FIRST_PAUSE = 24;
const LONGEST_PAUSE = 192;
/** Spreads the pauses, so that checks do not fall in step with a neighbour's rhythm. */
const GOLDEN = 0.618;

const CLIMB = 1.5;
const CHECK_SHARE = 0.1;

/** Percent of work that a percent of workers must bring to be added, and may lose to be given back. */
const WORTH_ADDING = 0.6;
const WORTH_GIVING_BACK = 0.4;

/** Below so many CPUs in use the CPU time says less than what was completed. */
const LEAST_COMPUTING = 0.1;

/**
 * Finds how many more workers than CPUs get more done. What the CPUs are used for does not tell: a pool that
 * gets 1.3 of 2 CPUs may wait inside its tasks, where more workers help, or beside a neighbour, where they
 * do not. So it tries: goes up by half while that brings work in proportion, and comes back when it does not. A
 * size that was found is checked now and then by one that is 10 % (at least one worker) smaller or larger. What
 * is measured before and after must both agree then, so that a neighbour that comes or goes is not taken for
 * the effect. O(1).
 */
export class Overcommitment {
  #phase: 'steady' | 'trial' | 'check' = 'steady';
  /** The size that is good as far as is known, and the one that is tried beside it. */
  #base = 0;
  #trial = 0;
  #isClimbing = true;
  #checksUp = true;
  #pause = FIRST_PAUSE;
  #rest = 0;
  #checks = 0;
  #window = new Window(0);
  #before = new Window(0);
  #during = new Window(0);

  /** The size that the pool may have next; below the present one when that did not prove itself. */
  allowed(sample: LoadSample, bounds: CommitmentBounds): number {
    const { size } = sample;
    const { min, max } = bounds;
    const isFirst = size !== this.#window.size;
    if (isFirst) this.#moveTo(size);
    this.#base = Math.min(max, Math.max(min, freeOf(bounds), this.#base));
    if (this.#trial > max || this.#trial < min) this.#phase = 'steady';
    if (!isFirst && sample.pressedShare >= SATURATED) this.#measure(sample, bounds);
    return this.#phase === 'trial' ? this.#trial : this.#base;
  }

  /** Workers begin and end in the first interval at a size, so it is not measured. */
  #moveTo(size: number): void {
    this.#window = new Window(size);
    if (this.#phase === 'trial' && this.#trial > this.#base && size > this.#base) {
      this.#trial = size;
    } else if (size > this.#base && size !== this.#trial) {
      // Somebody else made it so large; whether it is worth it will be seen.
      this.#base = size;
      this.#phase = 'steady';
    }
  }

  #measure(sample: LoadSample, bounds: CommitmentBounds): void {
    const window = this.#window;
    window.add(sample);
    if (this.#rest > 0) this.#rest--;
    if (!window.isSure(this.#isClimbing ? CLIMB_ERROR : CHECK_ERROR)) return;
    if (window.size !== (this.#phase === 'trial' ? this.#trial : this.#base)) return;
    if (this.#phase === 'check') this.#conclude(window);
    else if (this.#phase === 'trial') this.#judge(window);
    if (this.#phase === 'steady' && this.#rest === 0 && window.size === this.#base) {
      this.#try(window, bounds);
    }
  }

  #try(window: Window, bounds: CommitmentBounds): void {
    const { min, max, cpus } = bounds;
    const base = this.#base;
    const most = Math.min(max, window.mostFed(cpus));
    const step = Math.max(1, Math.round(base * CHECK_SHARE));
    const up = Math.min(most, this.#isClimbing ? Math.ceil(base * CLIMB) : base + step);
    const down = Math.max(min, freeOf(bounds), base - step);
    if (this.#isClimbing) this.#isClimbing = up > base;
    else this.#checksUp = !this.#checksUp;
    const isUp = this.#isClimbing || (this.#checksUp && up > base) || down === base;
    this.#trial = isUp ? up : down;
    if (this.#trial <= base && isUp) return;
    this.#before = window;
    this.#phase = 'trial';
  }

  #judge(window: Window): void {
    if (!this.#isClimbing) {
      this.#during = window;
      this.#phase = 'check';
      return;
    }
    this.#phase = 'steady';
    if (elasticity(this.#before, window) > WORTH_ADDING) {
      this.#base = this.#trial;
    } else {
      this.#isClimbing = false;
      this.#pauseNow();
    }
  }

  #conclude(after: Window): void {
    const gains = [elasticity(this.#before, this.#during), elasticity(after, this.#during)];
    const isUp = this.#trial > this.#base;
    const isBetter = isUp
      ? gains.every((gain) => gain > WORTH_ADDING)
      : gains.every((gain) => gain < WORTH_GIVING_BACK);
    this.#phase = 'steady';
    if (isBetter) {
      this.#base = this.#trial;
      // The next check goes on in the same direction.
      this.#checksUp = !isUp;
      this.#pause = FIRST_PAUSE;
      if (isUp) this.#pauseNow();
    } else {
      this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 2);
      this.#pauseNow();
    }
  }

  #pauseNow(): void {
    this.#checks++;
    this.#rest = Math.round(this.#pause * (0.5 + ((this.#checks * GOLDEN) % 1)));
  }
}

/** Workers that have a CPU each. */
function freeOf({ cpus }: CommitmentBounds): number {
  return Math.max(1, Math.floor(cpus));
}

/** What a pool did in its last intervals at one size. */
class Window {
  readonly size: number;
  readonly #samples: LoadSample[] = [];

  constructor(size: number) {
    this.size = size;
  }

  add(sample: LoadSample): void {
    this.#samples.push(sample);
    if (this.#samples.length > MOST_INTERVALS) this.#samples.shift();
  }

  /** CPUs used, on average. */
  get cpus(): number | undefined {
    const known = this.#samples.map(({ cpus }) => cpus).filter((cpus) => cpus !== undefined);
    return known.length === this.#samples.length ? meanOf(known) : undefined;
  }

  /** Tasks completed in a ms, interval by interval. */
  get rates(): number[] {
    return this.#samples.map(({ completed, durationMs }) => completed / durationMs);
  }

  /** Whether the mean is known well enough; in the end it must do as it is. */
  isSure(error: number): boolean {
    const count = this.#samples.length;
    if (count < FEWEST_INTERVALS || count === MOST_INTERVALS) return count >= FEWEST_INTERVALS;
    const values = isComputing(this.cpus) ? this.#samples.map(({ cpus = 0 }) => cpus) : this.rates;
    const mean = meanOf(values);
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
    return Math.sqrt(variance / count) <= error * mean;
  }

  /** As many workers as `cpus` can run, by what each of them takes now. */
  mostFed(cpus: number): number {
    const used = this.cpus;
    return used === undefined || used === 0 ? Infinity : Math.floor((cpus * this.size) / used);
  }
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function isComputing(cpus: number | undefined): cpus is number {
  return cpus !== undefined && cpus > LEAST_COMPUTING;
}

/** By how many percent the work grows for each percent of size, from one size to another. 0 where none was done. */
function elasticity(from: Window, to: Window): number {
  const [before, after] = workOf(from, to);
  return before > 0 && after > 0 ? Math.log(after / before) / Math.log(to.size / from.size) : 0;
}

/** In CPUs, or, of tasks that hardly compute or where that is not known, in completions. */
function workOf(from: Window, to: Window): readonly [number, number] {
  const { cpus: before } = from;
  const { cpus: after } = to;
  if (isComputing(before) && isComputing(after)) return [before, after];
  return [meanOf(from.rates), meanOf(to.rates)];
}
