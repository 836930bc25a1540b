import {
  aBackoff,
  above,
  aDuration,
  aFunction,
  integer,
  label,
  objectWith,
  optional,
  orUndefined,
  required,
  resolveOptions,
  systemClock,
  systemRandom,
  type BackoffOptions,
  type Clock,
  type CrossCheck,
  type OptionRules,
  type Random,
  type Rule,
} from '../core/index.ts';
import type { DestroyReason } from './stats.ts';

/** What a pool asks of its user about one kind of connection. */
export interface ConnectionHooks<T> {
  /**
   * Makes a connection, another each time: one object twice would be lent to two callers. `signal` is aborted
   * when it takes longer than `createTimeoutMs`, by `evict`, and when the pool stops; a connection that comes all
   * the same is destroyed at once.
   */
  readonly create: (signal: AbortSignal) => PromiseLike<T> | T;
  /**
   * Ends a connection; called exactly once for each. Its place is free when this has settled, or after
   * `hookTimeoutMs`. @default undefined: nothing needs to be done
   */
  readonly destroy?: ((connection: T, reason: DestroyReason) => unknown) | undefined;
  /**
   * Told once of each new connection. It listens to whatever says that the connection has died, and calls
   * `died` then: at once when it is idle, so that it leaves the pool. @default undefined
   */
  readonly watch?: ((connection: T, died: (reason?: unknown) => void) => void) | undefined;
  /**
   * Looked at before every hand-out: synchronous, and as cheap as reading a few fields. False: dead.
   * @default undefined
   */
  readonly isOpen?: ((connection: T) => boolean) | undefined;
  /**
   * Whether a connection that was idle for `validateAfterIdleMs` still works, asked before it is handed
   * out, and every `keepAliveIntervalMs` while it is idle. May ask the other side. What is false, throws,
   * rejects or takes longer than `hookTimeoutMs` is dead; `signal` is aborted then. @default undefined
   */
  readonly isHealthy?:
    | ((connection: T, signal: AbortSignal) => PromiseLike<boolean> | boolean)
    | undefined;
  /**
   * Makes a connection that came back fit for a stranger. One for which it is false, throws, rejects or
   * takes longer than `hookTimeoutMs` is destroyed. @default undefined
   */
  readonly reset?: ((connection: T) => unknown) | undefined;
  /**
   * Whether an error that ended the function of `use` leaves the connection unusable.
   * @default undefined: every error does, as nobody knows how far the exchange went
   */
  readonly isFatal?: ((error: unknown, connection: T) => boolean) | undefined;
}

/** How many connections a pool holds, for how long, and how it makes and tries them. */
export interface ConnectionLimits {
  /** Connections that are kept open, also idle. Integer, 0 to `max`. @default 0 */
  readonly min?: number | undefined;
  /** Connections at the same time, those being made and being ended among them. Integer, at least 1. @default 10 */
  readonly max?: number | undefined;
  /**
   * Callers who may wait at the same time, beyond those for whom a connection is being made or could be; one
   * more is refused. Integer, at least 0. @default 1000
   */
  readonly maxPending?: number | undefined;
  /** How long a caller waits who says nothing else, in ms. At least 0; Infinity for ever. @default 5000 */
  readonly acquireTimeoutMs?: number | undefined;
  /** How long `create` may take, in ms. Above 0. @default 3000 */
  readonly createTimeoutMs?: number | undefined;
  /** How long `isHealthy`, `reset` and `destroy` may take, each, in ms. Above 0. @default 1000 */
  readonly hookTimeoutMs?: number | undefined;
  /**
   * The pause after a failed dial, and after each further one until one succeeds. One dials then, whoever
   * waits. @default { type: 'exponential', baseMs: 100, maxMs: 5000, jitter: 'equal' }
   */
  readonly retryBackoff?: BackoffOptions | undefined;
  /** Those above `min` are ended after so long without use, in ms. Above 0; Infinity: never. @default 60_000 */
  readonly idleTimeoutMs?: number | undefined;
  /** No connection is handed out that is older than this, in ms. Above 0; Infinity: any age. @default 1_800_000 */
  readonly maxLifetimeMs?: number | undefined;
  /**
   * The share of `maxLifetimeMs` that is left to chance, so that connections made together do not end
   * together: each lives for between `1 - lifetimeJitter` of it and all of it. 0 to 1. @default 0.1
   */
  readonly lifetimeJitter?: number | undefined;
  /** A connection is ended after so many leases. Integer, at least 1, or Infinity. @default Infinity */
  readonly maxUses?: number | undefined;
  /**
   * `isHealthy` is asked before a hand-out when nothing has shown for so long that the connection lives, in
   * ms. 0: each time; Infinity: never. @default 500
   */
  readonly validateAfterIdleMs?: number | undefined;
  /** `isHealthy` is asked this often while a connection is idle, in ms. Above 0; Infinity: never. @default 30_000 */
  readonly keepAliveIntervalMs?: number | undefined;
  /**
   * A lease that is held for longer is reported, with the stack of whoever took it, in ms. Above 0. Costs a
   * stack for each lease, several µs. @default Infinity: off
   */
  readonly leakDetectionMs?: number | undefined;
  /** @default 'connection-pool' */
  readonly name?: string | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** @default systemRandom */
  readonly random?: Random | undefined;
}

export interface ConnectionPoolOptions<T> extends ConnectionHooks<T>, ConnectionLimits {}

/** What `update` may change: all but what the pool was made with once and for all. */
export type ConnectionPoolChanges<T> = Partial<
  Omit<ConnectionPoolOptions<T>, 'name' | 'clock' | 'random'>
>;

type Optional = 'destroy' | 'watch' | 'isOpen' | 'isHealthy' | 'reset' | 'isFatal';

export type ResolvedConnectionPoolOptions<T> = Pick<ConnectionPoolOptions<T>, Optional> & {
  readonly [K in Exclude<keyof ConnectionPoolOptions<T>, Optional>]-?: Exclude<
    ConnectionPoolOptions<T>[K],
    undefined
  >;
};

const aTime: Rule<number> = {
  expected: 'a number of ms above 0',
  accepts: (v): v is number => typeof v === 'number' && v > 0,
};

const aShare: Rule<number> = {
  expected: 'a ratio from 0 to 1',
  accepts: (v): v is number => typeof v === 'number' && v >= 0 && v <= 1,
};

const uses: Rule<number> = {
  expected: 'an integer of at least 1, or Infinity',
  accepts: (v): v is number => v === Infinity || (Number.isSafeInteger(v) && (v as number) >= 1),
};

const hook = <F>(what: string): Rule<F | undefined> => orUndefined(aFunction<F>(what));

const defaultBackoff: BackoffOptions = {
  type: 'exponential',
  baseMs: 100,
  maxMs: 5000,
  jitter: 'equal',
};

function rulesFor<T>(): OptionRules<ResolvedConnectionPoolOptions<T>> {
  return {
    create: required(aFunction('a function that makes a connection')),
    destroy: optional(hook('a function of a connection'), () => undefined),
    watch: optional(hook('a function of a connection and a function'), () => undefined),
    isOpen: optional(hook('a function of a connection'), () => undefined),
    isHealthy: optional(hook('a function of a connection'), () => undefined),
    reset: optional(hook('a function of a connection'), () => undefined),
    isFatal: optional(hook('a function of an error and a connection'), () => undefined),
    min: optional(integer(0), () => 0),
    max: optional(integer(1), () => 10),
    maxPending: optional(integer(0), () => 1000),
    acquireTimeoutMs: optional(aDuration, () => 5000),
    createTimeoutMs: optional(aTime, () => 3000),
    hookTimeoutMs: optional(above(0), () => 1000),
    retryBackoff: optional(aBackoff, () => defaultBackoff),
    idleTimeoutMs: optional(aTime, () => 60_000),
    maxLifetimeMs: optional(aTime, () => 1_800_000),
    lifetimeJitter: optional(aShare, () => 0.1),
    maxUses: optional(uses, () => Infinity),
    validateAfterIdleMs: optional(aDuration, () => 500),
    keepAliveIntervalMs: optional(aTime, () => 30_000),
    leakDetectionMs: optional(aTime, () => Infinity),
    name: optional(label, () => 'connection-pool'),
    clock: optional(objectWith<Clock>('a Clock', 'nowMs', 'schedule'), () => systemClock),
    random: optional(objectWith<Random>('a Random', 'next'), () => systemRandom),
  };
}

const minFits: CrossCheck<{ readonly min: number; readonly max: number }> = ({ min, max }) =>
  min <= max ? undefined : { option: 'min', expected: `at most max (${max})`, got: String(min) };

/** @throws InvalidOptionsError naming every problem. */
export function resolveConnectionPoolOptions<T>(
  given: ConnectionPoolOptions<T>,
): ResolvedConnectionPoolOptions<T> {
  const resolved = resolveOptions('ConnectionPool', given, rulesFor<T>(), [minFits]);
  // A copy: the engine looks up properties that were added one by one, so many, as in a dictionary.
  return Object.freeze({ ...resolved });
}
