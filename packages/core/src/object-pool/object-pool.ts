import { shown } from '../core/index.ts';
import { lend } from './lend.ts';
import {
  resolveObjectPoolOptions,
  type ObjectPoolOptions,
  type ObjectPoolStats,
  type ResolvedObjectPoolOptions,
} from './options.ts';
import { Seat, seatOf, takeSeat } from './seat.ts';

/** Ids from 1: an object says by its seat which pool it is from without keeping that alive. */
let pools = 0;

/**
 * Keeps objects for reuse that are dear to make. For sockets and whatever is opened or closed asynchronously take a
 * `ConnectionPool`; for byte buffers {@link BufferPool}. Small objects are cheaper made anew: V8 makes one in a few
 * nanoseconds, and a young one costs nothing to forget.
 *
 * Never waits and never refuses: when none is idle it makes one. The most recently used one goes first. An object
 * that is lent is known to its users alone: one that never comes back is garbage like any other.
 *
 * What is put must be lent by this pool. The pool sees that by a private field on the object, so it costs no lookup
 * and keeps nothing alive; an object belongs to the pool that made it, for good.
 *
 * What `create`, `reset` or `validate` throws goes to whoever called, and the object concerned is dropped. O(1);
 * get and put of an object that is reused do not allocate.
 *
 * @example
 * const pool = new ObjectPool({
 *   create: () => ({ rows: new Float64Array(100_000), used: 0 }),
 *   reset: (table) => {
 *     table.rows.fill(0, 0, table.used);
 *     table.used = 0;
 *   },
 * });
 * const size = pool.use((table) => table.rows.length);
 */
export class ObjectPool<T extends object> {
  readonly name: string;
  readonly #id: number = ++pools;
  #options: ResolvedObjectPoolOptions<T>;
  /** Beside the options, for `get` and `put` read them each time. */
  #reset: ((object: T) => void) | undefined;
  #validate: ((object: T) => boolean) | undefined;
  /** One less than `max`: the place of `#next` is one, too. */
  #places: number;
  /**
   * The idle object that goes next, if it is not on the stack. A field is written and read back in less time than the
   * top of a stack, and where one use ends before the next begins nothing else is needed.
   */
  #next: Seat<T> | undefined;
  /** The other idle ones, up to `#stacked`; above it there is nothing, so that nothing lent is held. */
  readonly #stack: (Seat<T> | undefined)[] = [];
  #stacked = 0;
  #created = 0;
  #prefilled = 0;
  #reused = 0;
  #discarded = 0;

  /** @throws InvalidOptionsError naming every option that is wrong; what `create` throws while it prefills. */
  constructor(options: ObjectPoolOptions<T>) {
    const resolved = resolveObjectPoolOptions(options);
    this.name = resolved.name;
    this.#options = resolved;
    this.#reset = resolved.reset;
    this.#validate = resolved.validate;
    this.#places = resolved.max - 1;
    this.#prefill(resolved.prefill);
  }

  /** Objects that wait for their next use. */
  get idle(): number {
    return this.#stacked + (this.#next === undefined ? 0 : 1);
  }

  /** An idle object, or else a new one. @throws TypeError when `create` gives no new object, or `validate` no boolean. */
  get(): T {
    let seat = this.#next;
    if (seat !== undefined) {
      this.#next = undefined;
    } else {
      const top = this.#stacked - 1;
      if (top < 0) return this.#lendNew();
      seat = this.#stack[top]!;
      this.#stack[top] = undefined;
      this.#stacked = top;
    }
    if (this.#validate !== undefined && !this.#isFit(seat.object)) return this.#getAnother();
    seat.lentBy = this.#id;
    this.#reused++;
    return seat.object;
  }

  /**
   * Takes an object back, and answers whether it was kept for reuse. From then on it is not yours: neither use it nor
   * put it again.
   * @throws Error when the object is not lent by this pool: it is from elsewhere, or came back already.
   * @throws TypeError when `reset` gives a promise, or `validate` no boolean.
   */
  put(object: T): boolean {
    const seat = seatOf(object);
    if (seat === undefined || seat.lentBy !== this.#id) throw this.#notLent(object, seat);
    // First of all: whatever is thrown or called from here on, it has come back.
    seat.lentBy = 0;
    if (this.#validate !== undefined && !this.#isFit(object)) return false;
    if (this.#reset !== undefined) this.#renew(object);
    return this.#keep(seat);
  }

  /**
   * Hands an object to `fn` and takes it back when `fn` has returned or thrown; when it gives a promise, once that has
   * settled. Answers what `fn` does. Where both `fn` and the taking back fail, the error is that of `fn` and the other
   * becomes a process warning.
   */
  use<R>(fn: (object: T) => PromiseLike<R>): Promise<R>;
  use<R>(fn: (object: T) => R): R;
  use<R>(fn: (object: T) => PromiseLike<R> | R): Promise<R> | R {
    return lend(this, this.get(), fn);
  }

  /**
   * Drops idle objects until `keep` are left, and answers how many it dropped. For times when memory is short.
   * @throws RangeError when `keep` is no integer of at least 0.
   */
  trim(keep = 0): number {
    if (!Number.isSafeInteger(keep) || keep < 0) {
      throw new RangeError(`${this.name}: keep must be an integer of at least 0, got ${keep}.`);
    }
    const before = this.idle;
    // With its own place taken, the rest is the stack's.
    if (this.#stacked > 0) this.#next ??= this.#stack[--this.#stacked];
    if (keep === 0) this.#next = undefined;
    this.#stacked = Math.min(this.#stacked, Math.max(0, keep - 1));
    this.#stack.length = this.#stacked;
    const dropped = before - this.idle;
    this.#discarded += dropped;
    return dropped;
  }

  /**
   * Changes options live; `name` stays what it is, and an option that is undefined goes back to its default. A smaller
   * `max` drops what is idle beyond it; `prefill` fills up to that many idle ones, once. What is idle and what is lent
   * stays, unless there was no `reset` so far: what lies idle was not reset then, and is dropped. After a change of
   * `create` or `reset` that must not mix, `trim`.
   * @throws InvalidOptionsError and changes nothing when an option is wrong; what `create` throws while it prefills.
   */
  update(changes: Partial<Omit<ObjectPoolOptions<T>, 'name'>>): void {
    const { name } = this;
    // Once done, a prefill binds nobody: `max` may fall below it.
    this.#options = resolveObjectPoolOptions({ ...this.#options, prefill: 0, ...changes, name });
    const { reset, validate, max, prefill } = this.#options;
    // What lies idle was not reset when it came back.
    if (reset !== undefined && this.#reset === undefined) this.trim();
    this.#reset = reset;
    this.#validate = validate;
    this.#places = max - 1;
    this.trim(max);
    this.#prefill(prefill);
  }

  stats(): ObjectPoolStats {
    const made = this.#created + this.#prefilled;
    return {
      max: this.#places + 1,
      idle: this.idle,
      outstanding: made - this.#discarded - this.idle,
      created: this.#created,
      prefilled: this.#prefilled,
      reused: this.#reused,
      discarded: this.#discarded,
    };
  }

  /** Answers false, and counts it, where there is no room for one more. */
  #keep(seat: Seat<T>): boolean {
    if (this.#next === undefined && this.#places >= 0) {
      this.#next = seat;
    } else if (this.#stacked < this.#places) {
      this.#stack[this.#stacked++] = seat;
    } else {
      this.#discarded++;
      return false;
    }
    return true;
  }

  /** By a loop, not by `get` calling itself: all that is idle may be unfit. */
  #getAnother(): T {
    while (this.#stacked > 0) {
      const seat = this.#stack[--this.#stacked]!;
      this.#stack[this.#stacked] = undefined;
      if (!this.#isFit(seat.object)) continue;
      seat.lentBy = this.#id;
      this.#reused++;
      return seat.object;
    }
    return this.#lendNew();
  }

  #lendNew(): T {
    const seat = this.#make();
    seat.lentBy = this.#id;
    this.#created++;
    return seat.object;
  }

  #make(): Seat<T> {
    const { create } = this.#options;
    const object = create();
    if (!isObject(object) || object instanceof Promise) {
      const what = object instanceof Promise ? 'a promise' : shown(object);
      throw new TypeError(`${this.name}: create must give an object, synchronously, got ${what}.`);
    }
    const seat = new Seat(object, this.#id);
    if (takeSeat(seat)) return seat;
    const reason =
      seatOf(object) === undefined
        ? 'one that takes no private field'
        : 'one that is in a pool already';
    throw new TypeError(`${this.name}: create must give a new object each time, got ${reason}.`);
  }

  #prefill(count: number): void {
    while (this.idle < count) {
      const seat = this.#make();
      this.#prefilled++;
      this.#keep(seat);
    }
  }

  /** Whether `validate` lets it be used again. Counts it as dropped if not. */
  #isFit(object: T): boolean {
    let isFit: unknown;
    try {
      isFit = this.#validate?.(object);
      if (typeof isFit !== 'boolean') {
        const got = shown(isFit);
        throw new TypeError(`${this.name}: validate must answer true or false, got ${got}.`);
      }
      return isFit;
    } finally {
      if (isFit !== true) this.#discarded++;
    }
  }

  #renew(object: T): void {
    try {
      const result: unknown = this.#reset?.(object);
      if (result instanceof Promise) {
        throw new TypeError(`${this.name}: reset must be synchronous, but it gave a promise.`);
      }
    } catch (error) {
      this.#discarded++;
      throw error;
    }
  }

  #notLent(object: unknown, seat: Seat<T> | undefined): Error {
    if (seat?.home === this.#id) {
      return new Error(
        `${this.name}: the object has come back already; it is put once for each get.`,
      );
    }
    // An object is not shown: of a large buffer that would take its time.
    const stranger = isObject(object) ? 'one from elsewhere' : shown(object);
    const what = seat === undefined ? stranger : 'one of another pool';
    return new Error(`${this.name}: only what this pool has handed out can be put, got ${what}.`);
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
