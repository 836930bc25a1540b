import type { LinkedList, ListNode } from '../collections/index.ts';
import type { DestroyReason } from './stats.ts';

const TAKEN = 0;
const ALIVE = 1;
const IDLE_SINCE = 2;
const EXPIRES = 3;
const CREATED = 4;
const CHECKED = 5;
const CELLS = 6;

/**
 * For whom a connection is checked: a caller who counts on it; one who does not, as the other side left the
 * last question unanswered; nobody.
 */
export type CheckKind = 'counted-on' | 'doubtful' | 'keep-alive';

/**
 * A connection of the pool, and what the pool remembers of it. It is on the list of its state: idle, leased
 * or busy; on none while it passes from one to the other, and from the beginning of its end.
 */
export class Connection<T> implements ListNode<Connection<T>> {
  prev: Connection<T> | undefined = undefined;
  next: Connection<T> | undefined = undefined;
  list: LinkedList<Connection<T>> | undefined = undefined;

  readonly value: T;
  /** Of what is left to chance of its lifetime, the share that it lost: 0 to 1. */
  readonly chance: number;
  /** How often the pool had been evicted when it was made. */
  readonly generation: number;
  /** Which lease is the valid one: those before it have ended. */
  hold = 0;
  uses = 0;
  /** Why it must not be used again; undefined while it may. */
  doom: DestroyReason | undefined = undefined;
  doomError: unknown = undefined;
  isClosing = false;
  /** For whom it is being checked; undefined while it is not. */
  check: CheckKind | undefined = undefined;
  /** Takes back what waits for a hook. */
  abandon: (() => void) | undefined = undefined;
  /** The stack of whoever holds it, while leaks are looked for. */
  takenBy: { stack?: string } | undefined = undefined;
  isLeaking = false;
  // In an array, as a field that holds a changing double allocates at each change.
  readonly #times = new Float64Array(CELLS);

  constructor(value: T, createdMs: number, chance: number, generation: number) {
    this.value = value;
    this.chance = chance;
    this.generation = generation;
    this.#times[CREATED] = createdMs;
    this.#times[ALIVE] = createdMs;
    this.#times[EXPIRES] = Infinity;
  }

  get createdMs(): number {
    return this.#times[CREATED]!;
  }

  /** When it was last leased. */
  get takenMs(): number {
    return this.#times[TAKEN]!;
  }

  set takenMs(nowMs: number) {
    this.#times[TAKEN] = nowMs;
  }

  /** When something last showed that it lives. */
  get aliveMs(): number {
    return this.#times[ALIVE]!;
  }

  set aliveMs(nowMs: number) {
    this.#times[ALIVE] = nowMs;
  }

  /** When its check began. */
  get checkedMs(): number {
    return this.#times[CHECKED]!;
  }

  set checkedMs(nowMs: number) {
    this.#times[CHECKED] = nowMs;
  }

  get idleSinceMs(): number {
    return this.#times[IDLE_SINCE]!;
  }

  set idleSinceMs(nowMs: number) {
    this.#times[IDLE_SINCE] = nowMs;
  }

  /** From when on it is too old. */
  get expiresMs(): number {
    return this.#times[EXPIRES]!;
  }

  live(maxLifetimeMs: number, jitter: number): void {
    this.#times[EXPIRES] = this.createdMs + maxLifetimeMs * (1 - jitter * this.chance);
  }

  condemn(reason: DestroyReason, error?: unknown): void {
    if (this.doom !== undefined) return;
    this.doom = reason;
    this.doomError = error;
  }
}
