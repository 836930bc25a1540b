import { LogLinearHistogram } from '../collections/index.ts';

/** So many calls are timed each, however densely they come. */
const EXACT_CALLS = 1000;

/** Calls that come more densely than this, in ms, are not timed each: two looks at the clock are 1 % of it. */
const DENSE_MS = 0.01;

/** One in so many is timed then. A prime, so that it falls into step with no pattern of the calls. */
const LONGEST_STRIDE = 31;

const LAST = 0;

/**
 * How long the calls of a pool wait and run. A look at the clock costs as much as half a call that finds a
 * free lane, so while calls come in at more than 100,000 a second one in 31 is timed and stands for those since
 * the one before. Counts are right but for those that nothing stands for yet: at most 30, and those under way.
 */
export class CallTimes {
  readonly #waits = new LogLinearHistogram();
  readonly #runs = new LogLinearHistogram();
  readonly #cells = new Float64Array(1);
  #exactLeft = EXACT_CALLS;
  #stride = 1;
  #untilDue = 1;
  /** Calls that found a free lane: they waited for nothing, which needs no clock. */
  #unwaiting = 0;
  #waitsNotTimed = 0;
  #runsNotTimed = 0;

  get waits(): LogLinearHistogram {
    this.#waits.recordMany(0, this.#unwaiting);
    this.#unwaiting = 0;
    return this.#waits;
  }

  get runs(): LogLinearHistogram {
    return this.#runs;
  }

  /** Whether the call that comes now is to be timed. If it is, `came` must be told next. */
  isDue(): boolean {
    return --this.#untilDue <= 0;
  }

  /** A call that is timed has come. Decides which is the next. */
  came(nowMs: number): void {
    const elapsedMs = nowMs - this.#cells[LAST]!;
    this.#cells[LAST] = nowMs;
    if (this.#exactLeft > 0) this.#exactLeft--;
    else if (elapsedMs >= this.#stride * DENSE_MS) this.#stride = 1;
    else this.#stride = Math.min(2 * this.#stride + 1, LONGEST_STRIDE);
    this.#untilDue = this.#stride;
  }

  /** A call has found a free lane. */
  hadLane(): void {
    this.#unwaiting++;
  }

  /** A call has got a lane after `waitMs`; NaN: it was not timed. */
  waited(waitMs: number): void {
    if (Number.isNaN(waitMs)) {
      this.#waitsNotTimed++;
    } else {
      this.#waits.recordMany(Math.max(0, waitMs), 1 + this.#waitsNotTimed);
      this.#waitsNotTimed = 0;
    }
  }

  /** A task has ended that was not timed. */
  ranUntimed(): void {
    this.#runsNotTimed++;
  }

  /** A task has ended after `runMs`; NaN: it was not timed. */
  ran(runMs: number): void {
    if (Number.isNaN(runMs)) {
      this.#runsNotTimed++;
    } else {
      this.#runs.recordMany(Math.max(0, runMs), 1 + this.#runsNotTimed);
      this.#runsNotTimed = 0;
    }
  }
}
