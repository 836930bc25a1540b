import { systemClock, WorkerCrashedError } from '../core/index.ts';
import type { JobWorker } from './thread-job.ts';

/** For the timer that keeps the process alive; longer than any process lives. */
const FOR_EVER_MS = 1e12;

export interface ReadinessSetting {
  readonly name: string;
  /** How many workers there should be. */
  readonly size: () => number;
  readonly workers: () => readonly JobWorker[];
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
  /** Workers that died since it came. */
  deaths: number;
}

/**
 * Those who wait until the workers are ready. Nobody waits for ever: a worker that dies counts as one that is not to
 * be waited for, though another takes its place. While somebody waits the process stays alive.
 */
export class Readiness {
  readonly #setting: ReadinessSetting;
  readonly #waiters = new Set<Waiter>();
  #lastCause: unknown;
  #release: (() => void) | undefined;

  constructor(setting: ReadinessSetting) {
    this.#setting = setting;
  }

  wait(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiters.add({ resolve, reject, deaths: 0 });
    // As what waits for workers that only start is no work.
    this.#release ??= systemClock.schedule(FOR_EVER_MS, () => undefined);
    this.check();
    return promise;
  }

  /** A worker has died. */
  noteDeath(cause: unknown): void {
    this.#lastCause = cause;
    for (const waiter of this.#waiters) waiter.deaths++;
  }

  /** There may be more workers, or fewer are wanted. */
  check(): void {
    if (this.#waiters.size === 0) return;
    const { name, size, workers } = this.#setting;
    const ready = workers().filter(({ isReady }) => isReady).length;
    const wanted = size();
    for (const waiter of this.#waiters) {
      if (ready + waiter.deaths < wanted) continue;
      this.#waiters.delete(waiter);
      if (ready > 0) waiter.resolve();
      else {
        const cause = this.#lastCause;
        waiter.reject(new WorkerCrashedError(name, `${name}: no worker can start`, { cause }));
      }
    }
    this.#letGo();
  }

  /** Nobody needs to wait any more. */
  fail(error: unknown): void {
    for (const { reject } of this.#waiters) reject(error);
    this.#waiters.clear();
    this.#letGo();
  }

  #letGo(): void {
    if (this.#waiters.size > 0) return;
    this.#release?.();
    this.#release = undefined;
  }
}
