import { LogLinearHistogram } from '@sluice/core';
import type { AnswerClass } from './answers.ts';

/** What was counted since the last line of progress. */
export class LoadInterval {
  offered = 0;
  dropped = 0;
  errors = 0;
  /** Most that a send lagged behind its due time, in ms. */
  lateMs = 0;
  readonly statuses: Map<number, number> = new Map();
  /** Latencies of the successes. */
  readonly latencyMs: LogLinearHistogram = new LogLinearHistogram();

  get succeeded(): number {
    return this.latencyMs.count;
  }

  addAnswer(status: number, answerClass: AnswerClass, latencyMs: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    if (answerClass === 'success') this.latencyMs.record(latencyMs);
  }
}
