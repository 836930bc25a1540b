import { LinkedList, type Alarm, type ListNode } from '../collections/index.ts';
import { PRIORITIES, type CallContext } from '../core/index.ts';
import type { Lease } from './lease.ts';

/** A caller who waits for a connection. */
export class Waiter<T> implements ListNode<Waiter<T>> {
  prev: Waiter<T> | undefined = undefined;
  next: Waiter<T> | undefined = undefined;
  list: LinkedList<Waiter<T>> | undefined = undefined;

  readonly sinceMs: number;
  /** How long he waits at most. */
  readonly limitMs: number;
  readonly priority: number;
  /** What ends his call early; undefined where nothing does. */
  readonly context: CallContext | undefined;
  readonly promise: Promise<Lease<T>>;
  alarm: Alarm | undefined = undefined;
  onAbort: ((reason: unknown) => void) | undefined = undefined;
  takenBy: { stack?: string } | undefined = undefined;
  admit!: (lease: Lease<T>) => void;
  refuse!: (error: unknown) => void;

  constructor(sinceMs: number, limitMs: number, context: CallContext | undefined) {
    this.sinceMs = sinceMs;
    this.limitMs = limitMs;
    this.context = context;
    this.priority = context?.priority ?? 0;
    this.promise = new Promise((resolve, reject) => {
      this.admit = resolve;
      this.refuse = reject;
    });
  }

  get giveUpAtMs(): number {
    return this.sinceMs + this.limitMs;
  }

  /** Lets go of the caller's signal. */
  close(): void {
    if (this.context === undefined) return;
    if (this.onAbort) this.context.offAbort(this.onAbort);
    this.context.close();
  }
}

/** Those who wait: by priority, then first come, first served. All O(1), from wherever one leaves. */
export class WaitingLine<T> implements Iterable<Waiter<T>> {
  readonly #levels = Array.from(
    { length: PRIORITIES.highest - PRIORITIES.lowest + 1 },
    () => new LinkedList<Waiter<T>>(),
  );
  /** A bit for each level that is not empty. */
  #occupied = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(waiter: Waiter<T>): void {
    const level = waiter.priority - PRIORITIES.lowest;
    this.#levels[level]!.append(waiter);
    this.#occupied |= 1 << level;
    this.#size++;
  }

  /** The one whose turn it is. */
  get first(): Waiter<T> | undefined {
    return this.#occupied === 0 ? undefined : this.#levels[31 - Math.clz32(this.#occupied)]!.first;
  }

  remove(waiter: Waiter<T>): void {
    const level = waiter.priority - PRIORITIES.lowest;
    const line = this.#levels[level]!;
    line.remove(waiter);
    if (line.size === 0) this.#occupied &= ~(1 << level);
    this.#size--;
  }

  *[Symbol.iterator](): Generator<Waiter<T>, void, undefined> {
    for (let level = this.#levels.length - 1; level >= 0; level--) yield* this.#levels[level]!;
  }
}
