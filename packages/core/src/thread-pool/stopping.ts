import { TimeoutError, type Clock } from '../core/index.ts';
import type { ResolvedStopOptions, StopResult } from '../job-queue/index.ts';
import type { Crew } from './crew.ts';
import type { Supervisor } from './supervisor.ts';

/** What `onStop` has at least, in ms, however little of the time is left. */
const LEAST_FAREWELL_MS = 100;

export interface StoppingSetting {
  readonly name: string;
  readonly clock: Clock;
  readonly crew: Crew;
  readonly supervisor: Supervisor;
  /** Sends away what waits. Returns how many. */
  readonly refuseQueued: () => number;
  /** A paused pool goes on, to be done. */
  readonly resume: () => void;
  readonly drain: () => Promise<void>;
}

/** The end of a pool: what was accepted has its time to be done, then it is done away with, then the workers go. */
export class Stopping {
  readonly #setting: StoppingSetting;
  readonly #endsAtMs: number;
  /** Ends the wait for what was accepted: whether all of it was done. */
  #goOn: (isDone: boolean) => void = () => undefined;
  #timeoutMs: number;
  #refused = 0;
  #isHurried = false;
  #isEnding = false;

  constructor(setting: StoppingSetting, { timeoutMs }: ResolvedStopOptions) {
    this.#setting = setting;
    this.#timeoutMs = timeoutMs;
    this.#endsAtMs = setting.clock.nowMs() + timeoutMs;
  }

  /** Resolves when no worker is left. */
  async run({ reject }: ResolvedStopOptions): Promise<StopResult> {
    const { crew, refuseQueued, resume } = this.#setting;
    // First, so that a paused pool does not begin what is to be refused.
    if (reject !== undefined) this.#refused += refuseQueued();
    resume();
    const isDone = reject !== 'all' && !this.#isHurried && (await this.#drain());
    this.#isEnding = true;
    let ended = 0;
    if (!isDone) {
      this.#refused += refuseQueued();
      ended = this.#endRunning();
    }
    await crew.stop(this.#farewellMs());
    return { refused: this.#refused, ended, running: 0 };
  }

  /** The same once more, and more urgently. */
  hurry({ timeoutMs, reject }: ResolvedStopOptions): void {
    const { crew, refuseQueued } = this.#setting;
    if (reject === undefined) return;
    if (reject === 'queued') this.#refused += this.#isEnding ? 0 : refuseQueued();
    else {
      this.#isHurried = true;
      this.#timeoutMs = Math.min(this.#timeoutMs, timeoutMs);
      if (this.#isEnding) void crew.stop(this.#farewellMs());
      this.#goOn(false);
    }
  }

  /** Whether all was done in time. */
  #drain(): Promise<boolean> {
    const { clock, drain } = this.#setting;
    return new Promise((resolve) => {
      const timeoutMs = this.#timeoutMs;
      const cancel =
        timeoutMs === Infinity ? undefined : clock.schedule(timeoutMs, () => this.#goOn(false));
      this.#goOn = (isDone): void => {
        cancel?.();
        resolve(isDone);
      };
      void drain().then(() => this.#goOn(true));
    });
  }

  #endRunning(): number {
    const { name, crew, supervisor } = this.#setting;
    const timeoutMs = this.#isHurried ? 0 : this.#timeoutMs;
    const message = `${name}: the pool stopped before the task was done`;
    const running = crew.all.flatMap((worker) => worker.begun());
    const waited = running.filter(({ answer }) => answer === undefined);
    for (const job of waited) supervisor.end(job, new TimeoutError(name, message, { timeoutMs }));
    return waited.length;
  }

  /** What is left of the time. */
  #farewellMs(): number {
    const leftMs = this.#endsAtMs - this.#setting.clock.nowMs();
    return Math.max(LEAST_FAREWELL_MS, Math.min(leftMs, this.#timeoutMs));
  }
}
