// Node makes the global of this name by a getter, which would cost every look at the clock a fifth more.
const { performance } = globalThis;

/** Longest delay that Node's own timers hold; a longer one would fire after 1 ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface ScheduleOptions {
  /** Whether the pending task keeps the process alive. @default true */
  readonly keepAlive?: boolean;
}

/** Source of time. Policies read time only through it, so a test or the simulator can own it. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary origin. For elapsed time; never goes back. */
  nowMs(): number;
  /** Milliseconds since the Unix epoch. For people and other processes; may jump. */
  wallTimeMs(): number;
  /**
   * Runs `task` once, `delayMs` from now and never before this call returns. A delay below 0 counts
   * as 0, one of any length is held. Returns its cancel function, which may be called at any time.
   */
  schedule(delayMs: number, task: () => void, options?: ScheduleOptions): () => void;
}

/** The machine's clock: `performance.now()`, `Date.now()` and Node's timers. */
export const systemClock: Clock = Object.freeze({
  nowMs: () => performance.now(),
  wallTimeMs: () => Date.now(),
  schedule(delayMs: number, task: () => void, options?: ScheduleOptions): () => void {
    const dueMs = performance.now() + delayMs;
    let timer: NodeJS.Timeout;
    // Node rounds delays to whole milliseconds, and may fire a fraction early: so look again.
    const fire = (): void => {
      if (performance.now() < dueMs) arm();
      else task();
    };
    const arm = (): void => {
      const leftMs = Math.ceil(dueMs - performance.now());
      timer = setTimeout(fire, Math.min(Math.max(0, leftMs), MAX_TIMER_MS));
      if (options?.keepAlive === false) timer.unref();
    };
    arm();
    return () => clearTimeout(timer);
  },
});

/** The machine's monotonic clock, in ms: one for all its threads and processes. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
