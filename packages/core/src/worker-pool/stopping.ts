import type { StopResult } from '../job-queue/index.ts';
import type { Dispatcher } from './dispatcher.ts';

type Reject = 'queued' | 'all' | undefined;

/** The end of a pool: what was accepted has its time to be done, then it is done away with. */
export class Stopping {
  readonly result: Promise<StopResult>;
  readonly #lanes: Dispatcher;
  readonly #settle: (result: StopResult) => void;
  #cancelTimer: () => void = () => undefined;
  #refused = 0;
  #isEnding = false;
  #isDone = false;

  /** @param whenDone is told before `result` resolves. */
  constructor(lanes: Dispatcher, whenDone: (result: StopResult) => void) {
    const { promise, resolve } = Promise.withResolvers<StopResult>();
    this.result = promise;
    this.#lanes = lanes;
    this.#settle = (result): void => {
      this.#isDone = true;
      whenDone(result);
      resolve(result);
    };
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  begin(timeoutMs: number, reject: Reject): void {
    const lanes = this.#lanes;
    // First, so that a paused pool does not begin what is to be refused.
    if (reject !== undefined) this.#refuseWaiting();
    lanes.state = 'stopping';
    if (reject === 'all') return void this.#endAll(0);
    void lanes.untilIdle().then(() => {
      this.#cancelTimer();
      if (!this.#isEnding) this.#settle({ refused: this.#refused, ended: 0, running: 0 });
    });
    if (timeoutMs === Infinity || lanes.isIdle) return;
    this.#cancelTimer = lanes.clock.schedule(timeoutMs, () => void this.#endAll(timeoutMs));
  }

  /** The same once more, and more urgently. */
  hurry(reject: Reject): void {
    if (this.#isEnding || this.#isDone) return;
    if (reject === 'queued') this.#refuseWaiting();
    else if (reject === 'all') void this.#endAll(0);
  }

  #refuseWaiting(): void {
    this.#refused += this.#lanes.queue.dropAll(this.#lanes.stoppedError());
  }

  /** Does away with what is not done. */
  async #endAll(timeoutMs: number): Promise<void> {
    const { clock, lanes, name } = this.#lanes;
    this.#isEnding = true;
    this.#cancelTimer();
    this.#refuseWaiting();
    const message = `${name}: the pool stopped before the task was done`;
    const ended = lanes.endAll(message, timeoutMs);
    // A turn of the event loop for the tasks that heed their signal.
    if (!this.#lanes.isIdle) await new Promise<void>((resolve) => clock.schedule(0, resolve));
    const running = this.#lanes.active;
    for (const job of lanes.all()) this.#lanes.giveUp(job);
    this.#settle({ refused: this.#refused, ended, running });
  }
}
