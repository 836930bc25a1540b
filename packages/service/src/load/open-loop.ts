import type { Clock } from '@sluice/core';
import type { ArrivalSchedule } from './schedule.ts';

export interface OpenLoopOptions {
  readonly schedule: ArrivalSchedule;
  readonly clock: Clock;
  /** When the schedule's 0 is, on the clock. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Sends the request that was due at `dueMs`. */
  readonly send: (dueMs: number, nowMs: number) => void;
  /** So many requests were due and will not be sent, as the run is over. */
  readonly drop: (count: number) => void;
  /** Runs a task after the I/O that is ready. @default setImmediate */
  readonly soon?: (task: () => void) => void;
}

/** Sends before the answers that came in meanwhile are read: at 50 µs each, about 3 ms. */
const BURST = 64;

/** How long after the end of the run a generator that fell behind still sends what was due. */
const CATCH_UP_MS = 1000;

/**
 * Up to this spacing, sends share wake-ups of a timer and are up to about 1 ms late. Above it the
 * last part of a millisecond, which no timer holds, is waited out on the event loop: that costs at
 * most half a core, and less the rarer the requests are.
 */
const COARSE_SPACING_MS = 2;

/**
 * Sends each request when it is due, whatever has become of those before it. What is overdue, because
 * this process was kept from running, is sent in bursts with its due time unchanged.
 */
export class OpenLoop {
  readonly #options: OpenLoopOptions;
  readonly #soon: (task: () => void) => void;
  readonly #precise: boolean;
  #cancelTimer: (() => void) | undefined;
  #done: (() => void) | undefined;
  #finished = false;

  constructor(options: OpenLoopOptions) {
    this.#options = options;
    this.#soon = options.soon ?? setImmediate;
    this.#precise = options.durationMs / options.schedule.count > COARSE_SPACING_MS;
  }

  /** Resolves when every request was sent or dropped, or when `stop()` was called. */
  run(): Promise<void> {
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#tick();
    });
  }

  /** Ends the run early: what is due by now is dropped, what is not will never be. */
  stop(): void {
    const { schedule, clock, startMs, drop } = this.#options;
    const elapsedMs = clock.nowMs() - startMs;
    let overdue = 0;
    for (; schedule.nextMs <= elapsedMs; overdue++) schedule.take();
    drop(overdue);
    this.#finish();
  }

  readonly #tick = (): void => {
    if (!this.#finished) this.#sendDue();
    if (this.#finished) return;
    const { schedule, clock, startMs, durationMs } = this.#options;
    const elapsedMs = clock.nowMs() - startMs;
    if (schedule.left === 0) this.#finish();
    else if (elapsedMs > durationMs + CATCH_UP_MS) this.stop();
    else this.#wait(schedule.nextMs - elapsedMs);
  };

  #sendDue(): void {
    const { schedule, clock, startMs, send } = this.#options;
    for (let burst = 0; burst < BURST; burst++) {
      const nowMs = clock.nowMs();
      const dueMs = startMs + schedule.nextMs;
      if (dueMs > nowMs || this.#finished) return;
      schedule.take();
      send(dueMs, nowMs);
    }
  }

  #wait(delayMs: number): void {
    const sleepMs = this.#precise ? Math.floor(delayMs) : delayMs;
    if (sleepMs <= 0) this.#soon(this.#tick);
    else this.#cancelTimer = this.#options.clock.schedule(sleepMs, this.#tick);
  }

  #finish(): void {
    this.#finished = true;
    this.#cancelTimer?.();
    this.#done?.();
  }
}
