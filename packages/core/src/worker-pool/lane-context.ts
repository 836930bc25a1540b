import { CallContext, type Clock } from '../core/index.ts';
import type { LaneJob } from './lane-job.ts';

/** The context of a call without options. It tells its job of an abort without a listener for it. */
export class LaneContext extends CallContext {
  readonly #job: LaneJob;

  constructor(clock: Clock, job: LaneJob) {
    super(clock);
    this.#job = job;
  }

  override abort(reason: unknown): void {
    if (this.aborted) return;
    this.#job.leave(reason);
    super.abort(reason);
  }
}
