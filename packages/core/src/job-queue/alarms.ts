import { IntrusiveHeap, type HeapItem } from '../collections/index.ts';
import type { Clock } from '../core/index.ts';

/** Something that is to happen at a time unless it is cancelled before. */
export interface Alarm extends HeapItem {
  readonly dueMs: number;
  readonly ring: () => void;
}

/**
 * Any number of alarms on one timer of the clock, and none while no alarm is set. O(log n) to set and
 * to cancel. Alarms for the same time ring in any order, none before its time.
 */
export class Alarms {
  readonly #clock: Clock;
  readonly #heap = new IntrusiveHeap<Alarm>((alarm) => alarm.dueMs);
  #cancelTimer: (() => void) | undefined;
  #timerDueMs = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Rings at `dueMs`, on the clock. */
  set(dueMs: number, ring: () => void): Alarm {
    const alarm: Alarm = { dueMs, ring, heapIndex: -1 };
    this.#heap.push(alarm);
    if (dueMs < this.#timerDueMs) this.#arm(dueMs);
    return alarm;
  }

  /** Idempotent; an alarm that has rung stays rung. */
  cancel(alarm: Alarm): void {
    if (alarm.heapIndex === -1) return;
    this.#heap.remove(alarm);
    if (this.#heap.size === 0) this.#disarm();
  }

  get size(): number {
    return this.#heap.size;
  }

  #arm(dueMs: number): void {
    this.#disarm();
    this.#timerDueMs = dueMs;
    this.#cancelTimer = this.#clock.schedule(dueMs - this.#clock.nowMs(), () => this.#ring());
  }

  #disarm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#timerDueMs = Infinity;
  }

  #ring(): void {
    this.#disarm();
    const nowMs = this.#clock.nowMs();
    try {
      for (let next = this.#heap.peek(); next && next.dueMs <= nowMs; next = this.#heap.peek()) {
        this.#heap.pop();
        next.ring();
      }
    } finally {
      // Also after one that threw: the others must still ring.
      const next = this.#heap.peek();
      if (next === undefined) this.#disarm();
      else if (next.dueMs < this.#timerDueMs) this.#arm(next.dueMs);
    }
  }
}
