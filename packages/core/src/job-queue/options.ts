import {
  above,
  findProblems,
  integer,
  optional,
  resolveOptions,
  type OptionRules,
  type Rule,
} from '../core/index.ts';
import type { DisciplineFactory } from './discipline.ts';

/**
 * Which waiting job is next.
 * - `'fair'`: higher priority first, with ageing; within a priority a fair share of time for each key;
 *   within a key first come, first served. Without priorities and keys that is strictly first come,
 *   first served.
 * - `'fifo'`: strictly first come, first served; priorities and keys are ignored.
 * - `'lifo'`: strictly last come, first served; priorities and keys are ignored.
 * - a function that makes a discipline of your own.
 */
export type QueueOrder = 'fair' | 'fifo' | 'lifo' | DisciplineFactory;

/** The queue in front of a pool. */
export interface QueueOptions {
  /** Places to wait. Integer, 0 or more; 0 refuses whatever finds no free lane. @default 1000 */
  readonly capacity?: number;
  /** @default 'fair' */
  readonly order?: QueueOrder;
  /**
   * In the order `'fair'`: a job overtakes those that came up to so many ms before it, for each step of
   * priority that it is above them. Above 0. @default 1000
   */
  readonly ageingMs?: number;
}

export type ResolvedQueueOptions = Required<QueueOptions>;

const anOrder: Rule<QueueOrder> = {
  expected: "'fair', 'fifo', 'lifo' or a function that makes a discipline",
  accepts: (v): v is QueueOrder =>
    v === 'fair' || v === 'fifo' || v === 'lifo' || typeof v === 'function',
};

const rules: OptionRules<ResolvedQueueOptions> = {
  capacity: optional(integer(0), () => 1000),
  order: optional(anOrder, () => 'fair'),
  ageingMs: optional(above(0), () => 1000),
};

const places = integer(0);

/** Options of a queue, or its capacity alone; for a pool's own option of that kind. */
export const aQueue: Rule<ResolvedQueueOptions> = {
  expected: `${places.expected} or the options of a queue`,
  accepts: (v): v is ResolvedQueueOptions =>
    typeof v === 'number'
      ? places.accepts(v)
      : typeof v === 'object' && findProblems(v, rules).length === 0,
  inside: (v) => (typeof v === 'object' && v !== null ? findProblems(v, rules) : []),
  resolve: (v) => resolveQueueOptions(v as number | QueueOptions),
};

/**
 * The options with their defaults, frozen. A number is a capacity.
 * @throws InvalidOptionsError naming every problem.
 */
export function resolveQueueOptions(given: number | QueueOptions = {}): ResolvedQueueOptions {
  const options = typeof given === 'number' ? { capacity: given } : given;
  return resolveOptions('queue', options, rules);
}

/**
 * What a live change of a pool's option comes to: a number changes the capacity alone, an object what it
 * names, and undefined goes back to the default.
 */
export function changedQueue(
  current: ResolvedQueueOptions,
  change: number | QueueOptions | undefined,
): QueueOptions {
  if (typeof change === 'number') return { ...current, capacity: change };
  return change === undefined ? {} : { ...current, ...change };
}
