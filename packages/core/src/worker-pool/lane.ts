import { outcomeOf, type Outcome } from '../core/index.ts';
import type { LaneJob } from './lane-job.ts';

/** Where one task after the other runs: its handlers are made once, and serve whichever job it has. */
export class Lane {
  job: LaneJob | undefined = undefined;
  readonly succeed: <T>(value: T) => T;
  readonly fail: (error: unknown) => never;
  readonly #ended: (lane: Lane, outcome: Outcome) => void;

  /** @param ended hears of the end of each task, before its caller does. */
  constructor(ended: (lane: Lane, outcome: Outcome) => void) {
    this.#ended = ended;
    this.succeed = (value) => {
      ended(this, 'success');
      return value;
    };
    this.fail = (error) => {
      this.threw(error);
      throw error;
    };
  }

  threw(error: unknown): void {
    this.#ended(this, outcomeOf(error));
  }
}
