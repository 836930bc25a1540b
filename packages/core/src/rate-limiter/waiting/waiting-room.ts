import { IntrusiveHeap } from '../../collections/index.ts';
import type { Clock } from '../../core/index.ts';
import type { WaitOptions } from '../limiter-options.ts';
import { Waiter } from './waiter.ts';
import { WaitingLine, type Tally, type Turns } from './waiting-line.ts';

/** The answer of a wait that is none. */
const atOnce = Promise.resolve();

/** Drives the lines of one limiter by one timer, which runs only while somebody waits. */
export class WaitingRoom {
  readonly #clock: Clock;
  /** The time as the limiter counts it: the clock's, but never back. */
  readonly #nowMs: () => number;
  readonly #left: (() => void) | undefined;
  readonly #tally: Tally = { permits: 0 };
  readonly #lines = new IntrusiveHeap<WaitingLine>((line) => line.nextMs);
  #cancelTimer: (() => void) | undefined;
  #timerMs = Infinity;

  /** @param left told when somebody may have left without his permits */
  constructor(clock: Clock, nowMs: () => number, left?: () => void) {
    this.#clock = clock;
    this.#nowMs = nowMs;
    this.#left = left;
  }

  openLine(turns: Turns): WaitingLine {
    return new WaitingLine(turns, this.#tally);
  }

  /**
   * Takes `n` at once if it is the caller's turn, else lets him wait for it. Refuses one who cannot be
   * served within `maxWaitMs`, or who would be one too many.
   */
  join(line: WaitingLine, n: number, options: WaitOptions, maxWaiting: number): Promise<void> {
    const { signal, maxWaitMs = Infinity, priority = 0 } = options;
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    const nowMs = this.#nowMs();
    this.serve(line, nowMs);
    const { turns } = line;
    const turnMs = line.turnMs(nowMs, n, priority);
    if (turnMs === 0 && line.size === 0) {
      turns.take(nowMs, n);
      return atOnce;
    }
    if (turnMs > maxWaitMs || this.#isFull(line, n, maxWaiting)) {
      return Promise.reject(turns.refuse(turnMs));
    }
    return this.#wait(line, new Waiter(n, { priority, giveUpAtMs: nowMs + maxWaitMs, signal }));
  }

  /** Looks after a line in which, or around which, something has changed. */
  serve(line: WaitingLine, nowMs: number): void {
    line.serve(nowMs);
    this.#place(line);
    this.#arm(nowMs);
  }

  /** Whether `n` more are too many, though the first caller may wait for more than `maxWaiting`, unless that is 0. */
  #isFull(line: WaitingLine, n: number, maxWaiting: number): boolean {
    const all = this.#tally.permits;
    const here = line.waitingPermits;
    const most = line.turns.maxWaiting?.() ?? Infinity;
    const isFirst = all === 0 && maxWaiting > 0;
    return (!isFirst && all + n > maxWaiting) || (here > 0 && here + n > most);
  }

  #wait(line: WaitingLine, waiter: Waiter): Promise<void> {
    const served = new Promise<void>((resolve, reject) => {
      waiter.admit = resolve;
      waiter.refuse = reject;
    });
    waiter.listen((reason) => {
      line.remove(waiter);
      waiter.refuse(reason);
      this.serve(line, this.#nowMs());
      this.#left?.();
    });
    line.add(waiter);
    this.serve(line, this.#nowMs());
    return served;
  }

  #place(line: WaitingLine): void {
    if (line.nextMs === Infinity) {
      if (line.heapIndex !== -1) this.#lines.remove(line);
    } else if (line.heapIndex === -1) {
      this.#lines.push(line);
    } else {
      this.#lines.update(line);
    }
  }

  #arm(nowMs: number): void {
    const dueMs = this.#lines.peek()?.nextMs ?? Infinity;
    if (dueMs === this.#timerMs) return;
    this.#cancelTimer?.();
    this.#timerMs = dueMs;
    this.#cancelTimer =
      dueMs === Infinity ? undefined : this.#clock.schedule(dueMs - nowMs, () => this.#ring());
  }

  #ring(): void {
    this.#cancelTimer = undefined;
    this.#timerMs = Infinity;
    const nowMs = this.#nowMs();
    for (let line = this.#lines.peek(); line && line.nextMs <= nowMs; line = this.#lines.peek()) {
      line.serve(nowMs);
      this.#place(line);
    }
    this.#arm(nowMs);
    this.#left?.();
  }
}
