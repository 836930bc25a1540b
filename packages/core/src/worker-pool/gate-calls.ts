import { CallContext, type ExecuteOptions, type Outcome } from '../core/index.ts';
import type { Dispatcher } from './dispatcher.ts';
import { LaneJob } from './lane-job.ts';
import { fateOf } from './tally.ts';

/** The ticket of a call that nothing can end early, so that nothing is remembered of it. */
const DIRECT = 0;

/** The calls that come through a pipeline, known by their tickets: whoever drives it runs their work. */
export class GateCalls {
  readonly #lanes: Dispatcher;

  constructor(lanes: Dispatcher) {
    this.#lanes = lanes;
  }

  /** Takes a lane, which must be free. Returns the ticket. */
  enter(nowMs: number, options: ExecuteOptions | undefined): number {
    const lanes = this.#lanes;
    if (!(options instanceof CallContext)) {
      lanes.occupy();
      return DIRECT;
    }
    const job = this.#jobOf(options);
    lanes.tally.submitted();
    lanes.times.hadLane();
    lanes.place(job, nowMs);
    return job.ticket;
  }

  /** Waits for a lane. Resolves with the ticket. */
  wait(context: CallContext): Promise<number> {
    const lanes = this.#lanes;
    const job = this.#jobOf(context);
    lanes.tally.submitted();
    const promise = job.promise();
    lanes.enqueue(job, lanes.clock.nowMs());
    return promise as Promise<number>;
  }

  exit(ticket: number, outcome: Outcome, nowMs: number, durationMs: number): void {
    if (ticket === DIRECT) return this.#lanes.vacate(fateOf(outcome), durationMs, nowMs);
    const job = this.#lanes.lanes.byTicket(ticket);
    if (job !== undefined) this.#lanes.end(job, outcome, nowMs, durationMs);
  }

  overdue(ticket: number, nowMs: number): number {
    const job = this.#lanes.lanes.byTicket(ticket);
    if (job !== undefined) this.#lanes.keepFor(job, nowMs);
    return ticket;
  }

  #jobOf(context: CallContext): LaneJob {
    const job = new LaneJob(this.#lanes, undefined, context);
    job.ownsContext = false;
    return job;
  }
}
