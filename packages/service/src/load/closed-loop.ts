import type { Clock } from '@sluice/core';

export interface ClosedLoopOptions {
  /** Requests to keep outstanding. */
  readonly connections: number;
  readonly clock: Clock;
  readonly durationMs: number;
  /** Sends one request. */
  readonly send: (nowMs: number) => void;
}

/** Pause after an error, or a server that refuses connections would be asked in a busy loop. */
const PAUSE_AFTER_ERROR_MS = 100;

/**
 * Keeps a number of requests outstanding: each answer is followed by the next request. Measures
 * capacity. It hides stalls: while the server stands still, nothing is sent that could be slow.
 */
export class ClosedLoop {
  readonly #options: ClosedLoopOptions;
  readonly #cancelPauses = new Set<() => void>();
  #cancelEnd: (() => void) | undefined;
  #done: (() => void) | undefined;
  #stopped = false;

  constructor(options: ClosedLoopOptions) {
    this.#options = options;
  }

  /** Resolves when the time is over, or when `stop()` was called. */
  run(): Promise<void> {
    const { connections, clock, durationMs } = this.#options;
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#cancelEnd = clock.schedule(durationMs, () => this.stop());
      for (let i = 0; i < connections; i++) this.#send();
    });
  }

  /** Sends nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#cancelEnd?.();
    for (const cancel of this.#cancelPauses) cancel();
    this.#done?.();
  }

  /** A request was answered: sends the next. */
  answered(): void {
    this.#send();
  }

  /** A request failed: sends the next after a pause. */
  failed(): void {
    if (this.#stopped) return;
    const cancel = this.#options.clock.schedule(PAUSE_AFTER_ERROR_MS, () => {
      this.#cancelPauses.delete(cancel);
      this.#send();
    });
    this.#cancelPauses.add(cancel);
  }

  #send(): void {
    if (!this.#stopped) this.#options.send(this.#options.clock.nowMs());
  }
}
