import { DeadlineExceededError, type Clock } from '../../../src/core/index.ts';
import type { Duty, WorkerUse } from '../../../src/thread-pool/job-worker.ts';
import type { Lobby } from '../../../src/thread-pool/shared/lobby.ts';
import type {
  JobWorker,
  ResultSink,
  ThreadJob,
  WorkerEvents,
} from '../../../src/thread-pool/thread-job.ts';

export interface ScriptedHouse {
  readonly clock: Clock;
  readonly lobby: Lobby;
}

interface Answer {
  readonly job: ThreadJob;
  readonly way: 'result' | 'failure' | 'expired';
}

/**
 * A worker without a thread, for tests: it begins and ends its tasks when the test says so. What a real one
 * promises it keeps: it begins tasks in their order, none that was not published or whose deadline has
 * passed, and ends at some time after it was told to.
 */
export class ScriptedWorker implements JobWorker {
  readonly name: string;
  readonly bornMs: number;
  isReady = false;
  wasReady = false;
  outstanding = 0;
  aheadMs = 0;
  taken = 0;
  room = 1024;
  progressMs = 0;
  isStuck = false;
  duty: Duty = 'serving';
  heapBytes = 0;
  isGone = false;
  readonly #house: ScriptedHouse;
  readonly #events: WorkerEvents;
  #handed: ThreadJob[] = [];
  #published = 0;
  readonly #running = new Map<ThreadJob, number>();
  #answers: Answer[] = [];

  constructor(name: string, house: ScriptedHouse, events: WorkerEvents) {
    this.name = name;
    this.#house = house;
    this.#events = events;
    this.bornMs = house.clock.nowMs();
  }

  get running(): readonly ThreadJob[] {
    return [...this.#running.keys()];
  }

  /** It has loaded its jobs: `short`, `long` and `job`. */
  becomeReady(): void {
    if (this.isReady || this.isGone) return;
    this.isReady = true;
    this.wasReady = true;
    this.#events.onReady(this, ['short', 'long', 'job']);
  }

  /** Begins its next task. Returns it; undefined when there is none, or when its deadline has passed. */
  begin(): ThreadJob | undefined {
    if (this.#published === 0 || this.isGone) return undefined;
    const job = this.#handed.shift() as ThreadJob;
    this.#published--;
    const nowMs = this.#house.clock.nowMs();
    if (nowMs >= job.deadlineAtMs) {
      this.#answer({ job, way: 'expired' });
      return undefined;
    }
    this.#running.set(job, nowMs);
    return job;
  }

  /** Ends the task that it began first. */
  finish(way: 'result' | 'failure' = 'result'): void {
    const [job] = this.#running.keys();
    if (job === undefined) return;
    job.startedMs = this.#running.get(job) as number;
    job.runMs = this.#house.clock.nowMs() - job.startedMs;
    this.#running.delete(job);
    this.#answer({ job, way });
  }

  die(cause: unknown): void {
    if (this.isGone) return;
    this.isGone = true;
    this.isReady = false;
    this.#events.onEnd(this, cause);
  }

  hand(job: ThreadJob): void {
    job.worker = this;
    job.costMs = job.kind.costMs;
    this.#handed.push(job);
    this.outstanding++;
    this.taken++;
    this.aheadMs += job.costMs;
  }

  publish(): void {
    this.#published = this.#handed.length;
  }

  hasResults(): boolean {
    return this.#answers.length > 0;
  }

  collect(sink: ResultSink): number {
    const answers = this.#answers;
    this.#answers = [];
    for (const { job, way } of answers) {
      this.forget(job);
      if (way === 'expired') job.drop(new DeadlineExceededError('scripted', 'too late'));
      else if (way === 'failure') sink.onFailure(job, () => new RangeError('the job failed'));
      else sink.onResult(job, job.input);
    }
    return answers.length;
  }

  takeBack(job: ThreadJob): boolean {
    const at = this.#handed.indexOf(job);
    if (at < 0 || job.transfer !== undefined) return false;
    this.#handed.splice(at, 1);
    if (at < this.#published) this.#published--;
    this.taken--;
    this.forget(job);
    return true;
  }

  waiting(): ThreadJob[] {
    return this.#handed.filter(({ transfer }) => transfer === undefined);
  }

  begun(): ThreadJob[] {
    const moved = this.#handed.filter(({ transfer }) => transfer !== undefined);
    return [...this.#running.keys(), ...moved];
  }

  startMs(job: ThreadJob): number | undefined {
    return this.#running.get(job);
  }

  cancel(job: ThreadJob): void {
    job.isCancelled = true;
  }

  use(): WorkerUse {
    return { busyMs: 0, cpuMs: 0, heapBytes: this.heapBytes };
  }

  stop(): void {
    this.isReady = false;
    queueMicrotask(() => this.die(undefined));
  }

  kill(cause?: unknown): Promise<void> {
    this.isReady = false;
    return Promise.resolve().then(() => this.die(cause));
  }

  forget(job: ThreadJob): void {
    job.worker = undefined;
    this.outstanding--;
    this.aheadMs = this.outstanding === 0 ? 0 : this.aheadMs - job.costMs;
  }

  #answer(answer: Answer): void {
    this.#answers.push(answer);
    this.#house.lobby.wakeMain();
  }
}
