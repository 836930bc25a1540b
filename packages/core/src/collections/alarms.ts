import { IntrusiveHeap, type HeapItem } from './intrusive-heap.ts';
import { LinkedList, type ListNode } from './linked-list.ts';

/** What alarms need of a clock: its time, and one timer. */
export interface TimerSource {
  nowMs(): number;
  schedule(delayMs: number, task: () => void): () => void;
}

/** Something that is to happen at a time unless it is cancelled before. */
export interface Alarm {
  readonly dueMs: number;
  readonly ring: () => void;
}

class Entry implements Alarm, HeapItem, ListNode<Entry> {
  readonly dueMs: number;
  readonly ring: () => void;
  heapIndex = -1;
  prev: Entry | undefined = undefined;
  next: Entry | undefined = undefined;
  list: LinkedList<Entry> | undefined = undefined;

  constructor(dueMs: number, ring: () => void) {
    this.dueMs = dueMs;
    this.ring = ring;
  }
}

/**
 * Any number of alarms on one timer of the clock, and none while no alarm is set. To set and to cancel is O(1)
 * for alarms that are set in the order of their times, as those of one duration are, and O(log n) for the
 * others. Alarms for the same time ring in any order, none before its time.
 *
 * Where alarms are set and cancelled again all the time, setting the timer is most of the cost. With
 * `lingerMs` the timer stays when the last alarm is cancelled, for so long at most, for the next one. To be
 * able to, it first rings after that time, then after twice as long, and so on, up to the alarm.
 */
export class Alarms {
  readonly #clock: TimerSource;
  readonly #lingerMs: number;
  /** The earliest first. */
  readonly #inOrder = new LinkedList<Entry>();
  /** Those that were due before others when they were set. */
  readonly #outOfOrder = new IntrusiveHeap<Entry>((alarm) => alarm.dueMs);
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
    const alarm = new Entry(dueMs, ring);
    this.#add(alarm);
    if (dueMs < this.#timerDueMs) this.#arm(dueMs, this.#lingerMs);
    return alarm;
  }

  /** Idempotent; an alarm that has rung stays rung. */
  cancel(alarm: Alarm): void {
    if (!(alarm instanceof Entry) || !this.#remove(alarm)) return;
    if (this.size === 0 && this.#spanMs > this.#lingerMs) this.#disarm();
  }

  /** Lets go of a timer that only lingers. */
  rest(): void {
    if (this.size === 0) this.#disarm();
  }

  get size(): number {
    return this.#inOrder.size + this.#outOfOrder.size;
  }

  #add(alarm: Entry): void {
    const { last } = this.#inOrder;
    if (last !== undefined && alarm.dueMs < last.dueMs) {
      // One far ahead would send all others to the heap.
      if (this.#inOrder.size > 1) return this.#outOfOrder.push(alarm);
      this.#inOrder.remove(last);
      this.#outOfOrder.push(last);
    }
    this.#inOrder.append(alarm);
  }

  /** Whether it was set. */
  #remove(alarm: Entry): boolean {
    if (alarm.list !== undefined) this.#inOrder.remove(alarm);
    else if (alarm.heapIndex !== -1) this.#outOfOrder.remove(alarm);
    else return false;
    return true;
  }

  get #next(): Entry | undefined {
    const { first } = this.#inOrder;
    const other = this.#outOfOrder.peek();
    return first === undefined || (other && other.dueMs < first.dueMs) ? other : first;
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
      for (let next = this.#next; next && next.dueMs <= nowMs; next = this.#next) {
        this.#remove(next);
        next.ring();
      }
    } finally {
      // Also after one that threw: the others must still ring.
      const next = this.#next;
      if (next === undefined) this.#disarm();
      else if (next.dueMs < this.#timerDueMs)
        this.#arm(next.dueMs, Math.max(this.#lingerMs, 2 * this.#spanMs));
    }
  }
}
