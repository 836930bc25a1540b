import {
  above,
  aDuration,
  optional,
  orUndefined,
  ratio,
  resolveOptions,
  usableCpus,
  type CrossCheck,
  type OptionRules,
} from '../core/index.ts';
import { waitMsOf, type LoadSample, type ScalingStrategy, type SizeBounds } from './load-sample.ts';
import { Overcommitment } from './overcommitment.ts';

export interface UtilisationStrategyOptions {
  /** Busy share that a change of size aims at. @default 0.65 */
  readonly target?: number;
  /** Busy share above which workers are added, if tasks wait. Above `target`. @default 0.85 */
  readonly growAbove?: number;
  /** Busy share below which workers are given back. Below `target`. @default 0.4 */
  readonly shrinkBelow?: number;
  /** Workers are added only while tasks wait longer than this, in ms. @default a tenth of their run time */
  readonly targetWaitMs?: number | undefined;
  /** CPUs that the workers can have together. Above 0. @default usableCpus() */
  readonly cpus?: number;
}

type Resolved = Required<UtilisationStrategyOptions>;

const rules: OptionRules<Resolved> = {
  target: optional(ratio, () => 0.65),
  growAbove: optional(ratio, () => 0.85),
  shrinkBelow: optional(ratio, () => 0.4),
  targetWaitMs: optional(orUndefined(aDuration), () => undefined),
  cpus: optional(above(0), () => usableCpus()),
};

const inOrder: CrossCheck<Resolved> = ({ shrinkBelow, target, growAbove }) =>
  shrinkBelow < target && target < growAbove
    ? undefined
    : {
        option: 'target',
        expected: 'above shrinkBelow and below growAbove',
        got: `${shrinkBelow}, ${target}, ${growAbove}`,
      };

const WAIT_SHARE = 0.1;

/** When more were wanted for so much of the interval, how many cannot be told. Two in a row double the size. */
const SWAMPED = 0.9;

/** Intervals in a row that must be above the upper mark, or below the lower one. */
const GROW_AFTER = 3;
const SHRINK_AFTER = 10;

/**
 * For threads: keeps the busy share between two marks. Grows when the workers are taken and tasks wait, straight
 * to what the load needs, or to twice the size where that cannot be told. Shrinks when too few are busy, to
 * what the busiest of the last ten intervals needed. O(1).
 *
 * The pool's `workTotals` make it exact. A pool that has them gets more workers than there are CPUs only while
 * more of them get more done: more CPU time or, of tasks that hardly compute or where CPU time is not known,
 * more completed tasks. It tries one size up, by half at first and by a tenth (at least one) later, and
 * gives back what brought less than half of its share. So tasks that wait for half of their time get about two
 * workers for each CPU, and tasks that only compute one, also beside neighbours that take CPUs away. A pool
 * without `workTotals` has lanes, which CPUs do not bound.
 */
export class UtilisationStrategy implements ScalingStrategy {
  readonly #options: Resolved;
  /** Busy workers in the last intervals, the latest first. */
  #busy: readonly number[] = [];
  #isSwamped = false;
  readonly #overcommitment = new Overcommitment();

  /** @throws InvalidOptionsError naming every option that is wrong. */
  constructor(options: UtilisationStrategyOptions = {}) {
    this.#options = resolveOptions('UtilisationStrategy', options, rules, [inOrder]);
  }

  decide(sample: LoadSample, bounds: SizeBounds): number {
    const { size, busyShare } = sample;
    const wasSwamped = this.#isSwamped;
    this.#isSwamped = sample.pressedShare > SWAMPED;
    this.#busy = [busyShare * size, ...this.#busy].slice(0, SHRINK_AFTER);
    if (!this.#waits(sample)) return Math.min(size, this.#enough(size));
    const most = this.#most(sample, bounds);
    if (wasSwamped && this.#isSwamped) return Math.min(most, size * 2);
    return Math.min(most, Math.max(size, this.#needed(size)));
  }

  /** What the load needs when it was above the upper mark for a while, else the size there is. */
  #needed(size: number): number {
    const recent = this.#busy.slice(0, GROW_AFTER);
    const isTaken = recent.every((busy) => busy > this.#options.growAbove * size);
    return isTaken ? Math.max(...recent) / this.#options.target : size;
  }

  /** What was enough for the busiest of the last intervals, when all were below the lower mark. */
  #enough(size: number): number {
    const peak = Math.max(...this.#busy);
    const isQuiet = this.#busy.length === SHRINK_AFTER && peak < this.#options.shrinkBelow * size;
    return isQuiet ? peak / this.#options.target : size;
  }

  #waits(sample: LoadSample): boolean {
    const { targetWaitMs } = this.#options;
    if (targetWaitMs === undefined) return sample.queued > WAIT_SHARE * sample.active;
    return waitMsOf(sample) > targetWaitMs;
  }

  #most(sample: LoadSample, { min, max }: SizeBounds): number {
    if (!sample.hasTotals) return Infinity;
    return this.#overcommitment.allowed(sample, { min, max, cpus: this.#options.cpus });
  }
}
