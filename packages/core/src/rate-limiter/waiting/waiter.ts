import type { Taken } from '../algorithms/index.ts';
import type { HeapItem, LinkedList, ListNode } from '../../collections/index.ts';

/** A caller who waits for his turn at a limiter. */
export class Waiter implements ListNode<Waiter>, HeapItem {
  prev: Waiter | undefined = undefined;
  next: Waiter | undefined = undefined;
  list: LinkedList<Waiter> | undefined = undefined;
  heapIndex = -1;
  readonly n: number;
  readonly priority: number;
  /** He waits no longer than to this time. */
  readonly giveUpAtMs: number;
  /** His permits are taken already, for this time; undefined: they are taken when it is his turn. */
  dueMs: number | undefined = undefined;
  taken: Taken | undefined = undefined;
  admit!: () => void;
  refuse!: (reason: unknown) => void;
  readonly #signal: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;

  constructor(
    n: number,
    options: { priority: number; giveUpAtMs: number; signal?: AbortSignal | undefined },
  ) {
    this.n = n;
    this.priority = options.priority;
    this.giveUpAtMs = options.giveUpAtMs;
    this.#signal = options.signal;
  }

  /** Calls `leave` with the signal's reason when it is aborted. */
  listen(leave: (reason: unknown) => void): void {
    const signal = this.#signal;
    if (signal === undefined) return;
    const end = (): void => leave(signal.reason);
    this.#onAbort = end;
    signal.addEventListener('abort', end);
  }

  /** Lets go of the signal. */
  release(): void {
    if (this.#onAbort) this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}
