import { Alarms } from '../../src/collections/index.ts';
import {
  JobQueue,
  QueuedJob,
  resolveQueueOptions,
  type QueueOptions,
} from '../../src/job-queue/index.ts';
import { ManualClock } from '../../src/testing/index.ts';

export interface Wish {
  readonly deadlineMs?: number;
  readonly priority?: number;
  readonly key?: string;
}

/** A job with a name, that notes why it was sent away. */
export class TaggedJob extends QueuedJob {
  readonly name: string;
  lost: unknown;

  constructor(name: string, nowMs: number, { deadlineMs = Infinity, priority = 0, key }: Wish) {
    super();
    this.name = name;
    this.sinceMs = nowMs;
    this.deadlineAtMs = nowMs + deadlineMs;
    this.priority = priority;
    this.key = key;
  }

  override drop(error: unknown): void {
    this.lost = error;
  }
}

/** A queue of such jobs on a clock of its own. */
export class QueueTrial {
  readonly clock: ManualClock = new ManualClock();
  readonly alarms: Alarms = new Alarms(this.clock);
  readonly queue: JobQueue<TaggedJob>;

  constructor(options: QueueOptions = {}, lanes = 1) {
    const { alarms } = this;
    this.queue = new JobQueue({ name: 'line', alarms, lanes }, resolveQueueOptions(options));
  }

  add(name: string, wish: Wish = {}): TaggedJob {
    const nowMs = this.clock.nowMs();
    const job = new TaggedJob(name, nowMs, wish);
    this.queue.add(job, nowMs);
    return job;
  }

  take(): TaggedJob | undefined {
    return this.queue.take(this.clock.nowMs());
  }

  /** The names of all that are served from here on, in order. */
  takeAll(): string[] {
    const names: string[] = [];
    for (let job = this.take(); job; job = this.take()) names.push(job.name);
    return names;
  }

  /** Shows the queue that runs take so long. */
  learn(runMs: number, times = 100): void {
    for (let i = 0; i < times; i++) this.queue.learn(undefined, runMs);
  }
}
