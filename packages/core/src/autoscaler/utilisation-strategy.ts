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
import { waitMsOf, type LoadSample, type ScalingStrategy } from './load-sample.ts';

export interface UtilisationStrategyOptions {
  /** Busy share that a change of size aims at. @default 0.7 */
  readonly target?: number;
  /** Busy share above which workers are added, if tasks wait. Above `target`. @default 0.85 */
  readonly growAbove?: number;
  /** Busy share below which workers are given back. Below `target`. @default 0.5 */
  readonly shrinkBelow?: number;
  /** Workers are added only while tasks wait longer than this, in ms. @default a tenth of their run time */
  readonly targetWaitMs?: number | undefined;
  /** CPUs that the workers can have together. Above 0. @default usableCpus() */
  readonly cpus?: number;
}

type Resolved = Required<UtilisationStrategyOptions>;

const rules: OptionRules<Resolved> = {
  target: optional(ratio, () => 0.7),
  growAbove: optional(ratio, () => 0.85),
  shrinkBelow: optional(ratio, () => 0.5),
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

/** When all workers were wanted for so much of the interval, what is missing cannot be told, so it is doubled. */
const SWAMPED = 0.9;

/** Weight of the last interval in the mean that shrinks: a pause must last to be one. */
const SLOW = 1 / 5;

/**
 * For threads: keeps the busy share between two marks. Grows when the workers are taken and tasks wait, straight
 * to what the load needs, or to twice the size where that cannot be told. Never to more workers than there
 * are CPUs to run them: those that compute half of their time may be twice as many as the CPUs. Shrinks when
 * too few are busy, and so far that they would not be too busy. O(1).
 *
 * The pool's `workTotals` make it exact. CPU time tells tasks that compute from tasks that wait.
 */
export class UtilisationStrategy implements ScalingStrategy {
  readonly #options: Resolved;
  /** Busy workers, as a slow mean; NaN before the first interval. */
  #busy = Number.NaN;

  /** @throws InvalidOptionsError naming every option that is wrong. */
  constructor(options: UtilisationStrategyOptions = {}) {
    this.#options = resolveOptions('UtilisationStrategy', options, rules, [inOrder]);
  }

  decide(sample: LoadSample): number {
    const { size, busyShare } = sample;
    const { target, growAbove, shrinkBelow } = this.#options;
    const busy = busyShare * size;
    this.#busy = Number.isNaN(this.#busy) ? busy : this.#busy + SLOW * (busy - this.#busy);
    if (busyShare > growAbove && this.#waits(sample)) {
      const wanted = sample.pressedShare > SWAMPED ? size * 2 : busy / target;
      return Math.max(size, Math.min(wanted, this.#mostFed(sample)));
    }
    const isQuiet = busyShare < shrinkBelow && this.#busy < shrinkBelow * size;
    return isQuiet ? Math.min(size, Math.max(busy, this.#busy) / target) : size;
  }

  #waits(sample: LoadSample): boolean {
    const { targetWaitMs } = this.#options;
    if (targetWaitMs === undefined) return sample.queued > WAIT_SHARE * sample.active;
    return waitMsOf(sample) > targetWaitMs;
  }

  /** As many workers as the CPUs can run, by what each of them takes now. */
  #mostFed({ size, cpus }: LoadSample): number {
    return cpus === undefined || cpus === 0
      ? Infinity
      : Math.floor((this.#options.cpus * size) / cpus);
  }
}
