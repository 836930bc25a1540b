import { IntrusiveHeap, type HeapItem } from './intrusive-heap.ts';

/** What alarms need of a clock: its time, and one timer. */
export interface TimerSource {
  nowMs(): number;
  schedule(delayMs: number, task: () => void): () => void;
}

/** Something that is to happen at a time unless it is cancelled before. */
export interface Alarm extends HeapItem {
  readonly dueMs: number;
  readonly ring: () => void;
}

/**
 * Any number of alarms on one timer of the clock, and none while no alarm is set. O(log n) to set and
 * to cancel. Alarms for the same time ring in any order, none before its time.
 *
 * Where alarms are set and cancelled again all the time, setting the timer is most of the cost. With
 * `lingerMs` the timer stays when the last alarm is cancelled, for so long at most, for the next one. To be
 * able to, it first rings after that time, then after twice as long, and so on, up to the alarm.
 */
export class Alarms {
  readonly #clock: TimerSource;
  readonly #lingerMs: number;
  readonly #heap = new IntrusiveHeap<Alarm>((alarm) => alarm.dueMs);
  #cancelTimer: (() => void) | undefined;
  #timerDueMs = Infinity;
  /** For how long the timer was set. */
  #spanMs = 0;
  readonly #rings = (): void => this.#ring();

  /** @param lingerMs 0: the timer goes with the last alarm. @default 0 */
  constructor(clock: TimerSource, lingerMs = 0) {
    this.#clock = clock;
    this.#lingerMs = lingerMs;
  }

  /** Rings at `dueMs`, on the clock. */
  set(dueMs: number, ring: () => void): Alarm {
    const alarm: Alarm = { dueMs, ring, heapIndex: -1 };
    this.#heap.push(alarm);
    if (dueMs < this.#timerDueMs) this.#arm(dueMs, this.#lingerMs);
    return alarm;
  }

  /** Idempotent; an alarm that has rung stays rung. */
  cancel(alarm: Alarm): void {
    if (alarm.heapIndex === -1) return;
    this.#heap.remove(alarm);
    if (this.#heap.size === 0 && this.#spanMs > this.#lingerMs) this.#disarm();
  }

  /** Lets go of a timer that only lingers. */
  rest(): void {
    if (this.#heap.size === 0) this.#disarm();
  }

  get size(): number {
    return this.#heap.size;
  }

  #arm(dueMs: number, longestMs: number): void {
    this.#disarm();
    const nowMs = this.#clock.nowMs();
    const isLimited = this.#lingerMs > 0 && nowMs + longestMs < dueMs;
    this.#timerDueMs = isLimited ? nowMs + longestMs : dueMs;
    this.#spanMs = isLimited ? longestMs : Math.max(dueMs - nowMs, this.#lingerMs === 0 ? 1 : 0);
    this.#cancelTimer = this.#clock.schedule(this.#timerDueMs - nowMs, this.#rings);
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
      else if (next.dueMs < this.#timerDueMs)
        this.#arm(next.dueMs, Math.max(this.#lingerMs, 2 * this.#spanMs));
    }
  }
}
