import {
  aFunction,
  integer,
  label,
  optional,
  orUndefined,
  required,
  resolveOptions,
  type CrossCheck,
  type OptionRules,
} from '../core/index.ts';

export interface ObjectPoolOptions<T extends object> {
  /** Makes an object when none is idle: a new one each time, synchronously. */
  readonly create: () => T;
  /**
   * Makes an object that came back like new: called by each `put`, before anybody else can get it, and synchronous.
   * What it leaves, the next user sees. undefined: objects are reused as they come back. @default undefined
   */
  readonly reset?: ((object: T) => void) | undefined;
  /**
   * Whether an object is fit for another use: asked when it comes back, before `reset`, and again when it is about to
   * be handed out anew. One that is not is dropped. undefined: all are. @default undefined
   */
  readonly validate?: ((object: T) => boolean) | undefined;
  /** Objects kept for reuse; what comes back beyond is dropped. How many are lent has no bound. Integer, at least 0. @default 1000 */
  readonly max?: number;
  /** Objects made ahead. Integer from 0 to `max`. @default 0 */
  readonly prefill?: number;
  /** @default 'object-pool' */
  readonly name?: string;
}

export type ResolvedObjectPoolOptions<T extends object> = Required<ObjectPoolOptions<T>>;

export interface ObjectPoolStats {
  readonly max: number;
  /** Objects that wait for their next use. */
  readonly idle: number;
  /** Objects that were handed out and have not come back, those included that never will. */
  readonly outstanding: number;
  /** Since the start: objects made because none was idle, */
  readonly created: number;
  /** made ahead, */
  readonly prefilled: number;
  /** handed out anew, */
  readonly reused: number;
  /** and dropped: beyond `max`, unfit, or in the way of a `trim`. */
  readonly discarded: number;
}

const rulesFor = <T extends object>(): OptionRules<ResolvedObjectPoolOptions<T>> => ({
  create: required(aFunction<() => T>('a function')),
  reset: optional(orUndefined(aFunction<(object: T) => void>('a function')), () => undefined),
  validate: optional(orUndefined(aFunction<(object: T) => boolean>('a function')), () => undefined),
  max: optional(integer(0), () => 1000),
  prefill: optional(integer(0), () => 0),
  name: optional(label, () => 'object-pool'),
});

const checks: readonly CrossCheck<{ readonly prefill: number; readonly max: number }>[] = [
  ({ prefill, max }) =>
    prefill > max
      ? { option: 'prefill', expected: `at most max (${max})`, got: `${prefill}` }
      : undefined,
];

/** @throws InvalidOptionsError naming every problem. */
export function resolveObjectPoolOptions<T extends object>(
  given: ObjectPoolOptions<T>,
): ResolvedObjectPoolOptions<T> {
  return resolveOptions('ObjectPool', given, rulesFor<T>(), checks);
}
