import type { Alarm } from '../collections/index.ts';
import { DeadlineExceededError } from '../core/index.ts';
import { QueuedJob } from '../job-queue/index.ts';
import type { EventsOf, SinkOf, WorkerOf } from './job-worker.ts';
import type { JobKind } from './job-kinds.ts';
import type { Transferable } from './job-types.ts';
import type { TaskExtras } from './shared/protocol.ts';

let takenResolve: (value: unknown) => void;
let takenReject: (error: unknown) => void;

/** One function for all promises, instead of a closure each. */
const take = (resolve: (value: unknown) => void, reject: (error: unknown) => void): void => {
  takenResolve = resolve;
  takenReject = reject;
};

/** Whom a task tells that a queue has sent it away. */
export interface JobOwner {
  onDropped(job: ThreadJob, error: unknown): void;
}

/** One task on its way through the pool. */
export class ThreadJob extends QueuedJob {
  readonly kind: JobKind;
  readonly input: unknown;
  readonly promise: Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly #owner: JobOwner;

  extras: TaskExtras | undefined = undefined;
  transfer: readonly Transferable[] | undefined = undefined;
  timeoutMs: number = Infinity;
  /** The deadline as it was given: ms from the submission. */
  budgetMs: number = Infinity;
  idempotent: boolean = false;
  affinity: string | undefined = undefined;
  /** The worker that is to run it, and no other. */
  only: JobWorker | undefined = undefined;
  /** Takes back the listener on the caller's signal. */
  leave: (() => void) | undefined = undefined;

  /** The worker that has it, and where: see {@link JobWorker.hand}. */
  worker: JobWorker | undefined = undefined;
  slot: number = -1;
  position: number = 0;
  costMs: number = 0;
  startedMs: number = Number.NaN;
  runMs: number = Number.NaN;
  /** Whether somebody will ask when it began. */
  isTimed: boolean = false;
  isCancelled: boolean = false;
  /** By which its job and input are known again; null when they are not, undefined when nobody has asked. */
  fingerprint: string | null | undefined = undefined;
  /** Workers that died while it ran. */
  crashes: number = 0;
  /** What its caller was told before it ended. */
  answer: Answer | undefined = undefined;
  watch: Alarm | undefined = undefined;

  constructor(owner: JobOwner, kind: JobKind, input: unknown, sinceMs: number) {
    super();
    this.#owner = owner;
    this.kind = kind;
    this.input = input;
    this.sinceMs = sinceMs;
    this.promise = new Promise<unknown>(take);
    this.resolve = takenResolve;
    this.reject = takenReject;
  }

  override drop(error: unknown): void {
    this.#owner.onDropped(this, error);
  }

  /** Tells its caller, whom nobody else will tell. */
  refuse(error: unknown): void {
    this.leave?.();
    this.reject(error);
  }
}

/** A worker of such tasks, and what goes between it and its pool. */
export type JobWorker = WorkerOf<ThreadJob>;
export type ResultSink = SinkOf<ThreadJob>;
export type WorkerEvents = EventsOf<ThreadJob>;

/** For a task whose worker came to it too late. Workers are named after their pools, and numbered. */
export function lateError({ name }: JobWorker): DeadlineExceededError {
  const pool = name.slice(0, name.lastIndexOf('-'));
  return new DeadlineExceededError(pool, `${pool}: the deadline passed before ${name} began`);
}

/** What a caller was told before the task ended, as it is counted. */
export type Answer = 'timeout' | 'aborted';
