import { LogLinearHistogram } from '@sluice/core';

/** What an answer amounts to: as hoped for, a 429 or 503, or any other status. */
export type AnswerClass = 'success' | 'refusal' | 'other';

/**
 * Answers of one class. Their rate is taken over a window as long as the run that opens with the
 * first of them: so a service that takes 2 s for everything is not charged for the first 2 s, and one
 * that works off its queue after the run is not paid for that.
 */
export class Answers {
  readonly latencyMs: LogLinearHistogram = new LogLinearHistogram();
  readonly #windowMs: number;
  #firstMs = 0;
  #inWindow = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Answers in all. */
  get count(): number {
    return this.latencyMs.count;
  }

  /** Answers within the window. */
  get inWindow(): number {
    return this.#inWindow;
  }

  add(latencyMs: number, atMs: number): void {
    if (this.count === 0) this.#firstMs = atMs;
    if (atMs - this.#firstMs < this.#windowMs) this.#inWindow += 1;
    this.latencyMs.record(latencyMs);
  }
}
