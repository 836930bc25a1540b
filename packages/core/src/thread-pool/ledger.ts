import { LogLinearHistogram } from '../collections/index.ts';
import { DeadlineExceededError, RejectedError } from '../core/index.ts';

/** What became of a task that was accepted. */
export type Fate = 'completed' | 'failed' | 'aborted' | 'expired' | 'rejected';

/** Counts of a pool since its start. */
export class Ledger {
  submitted = 0;
  completed = 0;
  failed = 0;
  aborted = 0;
  expired = 0;
  rejected = 0;
  crashes = 0;
  restarts = 0;
  /** What workers used that have left, in ms. */
  leftBusyMs = 0;
  leftCpuMs = 0;
  readonly waitTimes: LogLinearHistogram = new LogLinearHistogram();
  readonly runTimes: LogLinearHistogram = new LogLinearHistogram();

  /** Counts a task that was refused, or sent away before it began. */
  countRefusal(error: unknown): void {
    if (error instanceof DeadlineExceededError) this.expired++;
    else if (error instanceof RejectedError) this.rejected++;
    else this.failed++;
  }

  /** Tasks that came and of which nothing has become yet. */
  get live(): number {
    const { submitted, completed, failed, aborted, expired, rejected } = this;
    return submitted - completed - failed - aborted - expired - rejected;
  }
}
