import { IntrusiveHeap, LinkedList, type HeapItem } from '../../collections/index.ts';
import type { Taken } from '../algorithms/index.ts';
import type { Waiter } from './waiter.ts';

/** The limit that a line waits for. Whoever asks has told it the time. */
export interface Turns {
  /** How long until a caller for `n` may leave, behind `ahead` permits of others, in ms; 0: now. */
  turnMs(nowMs: number, ahead: number, n: number): number;
  /** Takes `n` for one whose turn it is. */
  take(nowMs: number, n: number): void;
  /** Takes `n` in advance, for the time at which they are there. */
  reserve(nowMs: number, n: number): Taken;
  /** The other way round, for one who leaves before that. */
  giveBack(taken: Taken): void;
  /** Counts one who leaves with what was taken in advance. */
  admit(): void;
  /** The refusal of a caller who cannot be served in time. */
  refuse(waitMs: number): Error;
  /** Permits that may be waited for in this line. @default Infinity */
  maxWaiting?(): number;
  /** Nobody waits any more. */
  emptied?(): void;
}

/** Permits that are waited for in all lines of a limiter. */
export interface Tally {
  permits: number;
}

/**
 * A timer that rings so much too late is made up for: the callers leave as if it had been in time, so
 * that the rate is held on average. Beyond that, time is lost, or a pause of the process would end in a
 * burst.
 */
const MADE_UP_MS = 20;

/** Those of one priority, first come, first served. */
interface Level {
  readonly priority: number;
  readonly waiters: LinkedList<Waiter>;
  permits: number;
}

/**
 * Those who wait at one limit: by priority, then first come, first served. Nobody's permits are taken
 * before it is his turn, so that an abort or a new rate needs no correction; but when somebody reserves
 * behind the line, all of it is given fixed times. O(priorities) to join, O(1) to leave by turn or by
 * abort, O(log n) with a time limit.
 */
export class WaitingLine implements HeapItem {
  heapIndex = -1;
  /** When something happens here next, in ms. Infinity: nothing will. */
  nextMs: number = Infinity;
  readonly turns: Turns;
  /** Highest priority first. */
  readonly #levels: Level[] = [];
  /** Those with fixed times, ahead of all others. */
  readonly #fixed = new LinkedList<Waiter>();
  readonly #byPatience = new IntrusiveHeap<Waiter>((waiter) => waiter.giveUpAtMs);
  #size = 0;
  #permits = 0;
  #fixedPermits = 0;
  /** When it is the first one's turn, as of the last look. */
  #turnAtMs = Infinity;

  readonly #tally: Tally;

  constructor(turns: Turns, tally: Tally) {
    this.turns = turns;
    this.#tally = tally;
  }

  get size(): number {
    return this.#size;
  }

  /** Permits that are waited for and not yet taken. */
  get permits(): number {
    return this.#permits;
  }

  /** Permits that are waited for. */
  get waitingPermits(): number {
    return this.#permits + this.#fixedPermits;
  }

  /** How long until the last one leaves, in ms. */
  lastTurnMs(nowMs: number): number {
    const last = this.#levels.at(-1)?.waiters.last;
    if (last === undefined) return this.#fixedMs(nowMs);
    return this.#turnMs(nowMs, this.#permits - last.n, last.n);
  }

  /**
   * How long a newcomer for `n` waits for his turn, in ms. Behind callers for several permits each it may
   * take longer, never shorter: nobody is refused who could have been served in time.
   */
  turnMs(nowMs: number, n: number, priority: number): number {
    let ahead = 0;
    for (const level of this.#levels) {
      if (level.priority < priority) break;
      ahead += level.permits;
    }
    return this.#turnMs(nowMs, ahead, n);
  }

  add(waiter: Waiter): void {
    const level = this.#levelOf(waiter.priority);
    level.waiters.append(waiter);
    level.permits += waiter.n;
    this.#permits += waiter.n;
    this.#tally.permits += waiter.n;
    this.#size++;
    if (waiter.giveUpAtMs < Infinity) this.#byPatience.push(waiter);
  }

  /** Takes out one who has not been served; what was taken for him in advance comes back. */
  remove(waiter: Waiter): void {
    this.#take(waiter);
    if (waiter.taken) this.turns.giveBack(waiter.taken);
  }

  #take(waiter: Waiter): void {
    this.#size--;
    this.#tally.permits -= waiter.n;
    waiter.release();
    if (waiter.heapIndex !== -1) this.#byPatience.remove(waiter);
    if (waiter.dueMs === undefined) this.#leaveLevel(waiter);
    else this.#leaveFixed(waiter);
  }

  /** Lets go all whose turn it is, refuses all whose time is over or whose turn never comes, and finds out what comes next. */
  serve(nowMs: number): void {
    let fromMs = Math.min(nowMs, Math.max(this.#turnAtMs, nowMs - MADE_UP_MS));
    for (let first = this.#first(); first; first = this.#first()) {
      const dueMs = this.#dueMs(first, fromMs);
      if (dueMs === Infinity) {
        this.#refuse(first, Infinity);
        continue;
      }
      if (dueMs > nowMs) break;
      if (first.taken === undefined) this.turns.take(dueMs, first.n);
      else this.turns.admit();
      fromMs = Math.max(fromMs, dueMs);
      this.#take(first);
      first.admit();
    }
    for (let hasty = this.#byPatience.peek(); hasty; hasty = this.#byPatience.peek()) {
      if (hasty.giveUpAtMs > nowMs) break;
      this.remove(hasty);
      hasty.refuse(this.turns.refuse(this.turns.turnMs(nowMs, this.#permits, hasty.n)));
    }
    const first = this.#first();
    this.#turnAtMs = first === undefined ? Infinity : this.#dueMs(first, fromMs);
    this.nextMs = Math.min(this.#turnAtMs, this.#byPatience.peek()?.giveUpAtMs ?? Infinity);
    if (this.#size === 0) this.turns.emptied?.();
  }

  /** Gives everybody a fixed time, in the order of the line. */
  fix(nowMs: number): void {
    for (const level of this.#levels) {
      for (let waiter = level.waiters.first; waiter; waiter = level.waiters.first) {
        this.#permits -= waiter.n;
        level.permits -= waiter.n;
        level.waiters.remove(waiter);
        waiter.taken = this.turns.reserve(nowMs, waiter.n);
        waiter.dueMs = waiter.taken.dueMs;
        this.#fixed.append(waiter);
        this.#fixedPermits += waiter.n;
      }
    }
    this.#levels.length = 0;
  }

  /** Lets no fixed time be before `untilMs`: all are moved, and keep their distances. */
  postpone(untilMs: number): void {
    const laterMs = untilMs - (this.#fixed.first?.dueMs ?? Infinity);
    if (!(laterMs > 0)) return;
    for (const waiter of this.#fixed) waiter.dueMs = (waiter.dueMs as number) + laterMs;
  }

  /**
   * After a change of the limit: nothing that was reckoned before holds. What is left of fixed times is
   * stretched by `factor`, and those who can no longer be served in time are refused. O(n).
   */
  reckonAnew(nowMs: number, factor: number): void {
    this.#turnAtMs = Infinity;
    for (const waiter of this.#fixed) {
      waiter.dueMs = nowMs + ((waiter.dueMs as number) - nowMs) * factor;
      if (waiter.dueMs > waiter.giveUpAtMs) {
        this.#refuse(waiter, waiter.dueMs - nowMs);
      }
    }
    let ahead = 0;
    const hopeless: Waiter[] = [];
    for (const level of this.#levels) {
      for (const waiter of level.waiters) {
        const turnMs = this.#turnMs(nowMs, ahead, waiter.n);
        if (turnMs === Infinity || nowMs + turnMs > waiter.giveUpAtMs) hopeless.push(waiter);
        else ahead += waiter.n;
      }
    }
    for (const waiter of hopeless) {
      this.#refuse(waiter, this.turns.turnMs(nowMs, ahead, waiter.n));
    }
  }

  refuseAll(error: unknown): void {
    for (let first = this.#first(); first; first = this.#first()) {
      this.remove(first);
      first.refuse(error);
    }
  }

  /** When the first one leaves, reckoned from `fromMs`. */
  #dueMs(first: Waiter, fromMs: number): number {
    return first.dueMs ?? fromMs + this.turns.turnMs(fromMs, 0, first.n);
  }

  /** Nobody leaves before those with fixed times, even where one of them has given his up. */
  #turnMs(nowMs: number, ahead: number, n: number): number {
    return Math.max(this.turns.turnMs(nowMs, ahead, n), this.#fixedMs(nowMs));
  }

  /** How long until the last one with a fixed time leaves, in ms. */
  #fixedMs(nowMs: number): number {
    return Math.max(0, (this.#fixed.last?.dueMs ?? nowMs) - nowMs);
  }

  #refuse(waiter: Waiter, waitMs: number): void {
    this.remove(waiter);
    waiter.refuse(this.turns.refuse(waitMs));
  }

  #first(): Waiter | undefined {
    return this.#fixed.first ?? this.#levels[0]?.waiters.first;
  }

  #leaveFixed(waiter: Waiter): void {
    this.#fixed.remove(waiter);
    this.#fixedPermits -= waiter.n;
  }

  #leaveLevel(waiter: Waiter): void {
    const level = this.#levelOf(waiter.priority);
    level.waiters.remove(waiter);
    level.permits -= waiter.n;
    this.#permits -= waiter.n;
    // Priorities come from callers: none is kept that nobody has.
    if (level.waiters.size === 0) this.#levels.splice(this.#levels.indexOf(level), 1);
  }

  #levelOf(priority: number): Level {
    const index = this.#levels.findIndex((level) => level.priority <= priority);
    const found = this.#levels[index];
    if (found?.priority === priority) return found;
    const level: Level = { priority, waiters: new LinkedList(), permits: 0 };
    this.#levels.splice(index < 0 ? this.#levels.length : index, 0, level);
    return level;
  }
}
