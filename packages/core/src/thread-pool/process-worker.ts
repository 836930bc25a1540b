import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { machineMs, type Clock } from '../core/index.ts';
import { startChild } from './child.ts';
import type { JobKinds } from './job-kinds.ts';
import type { Duty, WorkerUse } from './job-worker.ts';
import { decode, decodeThrown, encode } from './shared/crossing.ts';
import { thrownFrom } from './shared/error-record.ts';
import {
  LIFELINE_FD,
  PROCESS_SLOTS,
  type ProcessMessage,
  type ProcessNews,
  type ProcessUse,
  type ResultNews,
} from './shared/process-protocol.ts';
import {
  lateError,
  type JobWorker,
  type ResultSink,
  type ThreadJob,
  type WorkerEvents,
} from './thread-job.ts';
import type { ThreadOptions } from './thread-worker.ts';

/** How long a process that has closed its channel may take to end by itself, in ms. */
const LAST_WORDS_MS = 100;

export interface ProcessHouse {
  readonly clock: Clock;
  readonly kinds: JobKinds;
  /** Results are here. */
  readonly onResults: () => void;
}

/**
 * A worker that is a process: tasks and results go as messages. It is handed no more tasks than it runs at
 * the same time, so what it was handed counts as begun, but for what certainly never reached it.
 */
export class ProcessWorker implements JobWorker {
  readonly name: string;
  readonly bornMs: number;
  isReady = false;
  wasReady = false;
  outstanding = 0;
  aheadMs = 0;
  taken = 0;
  progressMs: number;
  isStuck = false;
  duty: Duty = 'serving';
  readonly #clock: Clock;
  readonly #kinds: JobKinds;
  readonly #events: WorkerEvents;
  readonly #onResults: () => void;
  readonly #jobs: (ThreadJob | undefined)[];
  readonly #free: number[];
  /** Tasks whose messages could not be sent. */
  readonly #unsent = new Set<ThreadJob>();
  readonly #child: ChildProcess | undefined;
  readonly #ended: Promise<void>;
  #results: ResultNews[] = [];
  #announced: number;
  #serial = 0;
  #use: ProcessUse = { cpuMs: Number.NaN, heapBytes: 0 };
  #busyMs = 0;
  #busySinceMs = 0;
  #cause: unknown;
  #isStopping = false;
  #hasEnded = false;
  #cancelKill: (() => void) | undefined;

  constructor(options: ThreadOptions, house: ProcessHouse, events: WorkerEvents) {
    const { name, module, concurrency } = options;
    const { clock, kinds } = house;
    this.name = name;
    this.bornMs = clock.nowMs();
    this.progressMs = this.bornMs;
    this.#clock = clock;
    this.#kinds = kinds;
    this.#events = events;
    this.#onResults = house.onResults;
    this.#jobs = new Array<undefined>(concurrency).fill(undefined);
    this.#free = Array.from({ length: concurrency }, (_, i) => i);
    this.#announced = kinds.size;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = promise;
    try {
      this.#child = startChild(options);
      this.#listen(this.#child, resolve);
    } catch (error) {
      // Later: nobody knows of this worker yet.
      queueMicrotask(() => this.#end(error, resolve));
      return;
    }
    const jobs = kinds.since(0);
    const clockOffsetMs = clock.nowMs() - machineMs();
    const setup = { name, module, jobs, concurrency, clockOffsetMs };
    this.#send({ kind: 'setup', setup });
  }

  get room(): number {
    return this.#free.length;
  }

  hand(job: ThreadJob): void {
    const { id } = job.kind.definition;
    if (id >= this.#announced) this.#announce();
    // Taken before the input is read: a getter of it may submit a task.
    const slot = this.#free.pop() as number;
    const hasExtras = job.extras !== undefined;
    let message: ProcessMessage;
    try {
      const value = encode(hasExtras ? [job.input, job.extras] : job.input, job.transfer);
      message = { kind: 'run', number: this.#numberFor(slot), job: id, value, hasExtras };
    } catch (error) {
      this.#free.push(slot);
      throw error;
    }
    job.worker = this;
    job.slot = slot;
    job.position = message.number;
    job.costMs = job.kind.costMs;
    job.startedMs = this.#clock.nowMs();
    this.#jobs[slot] = job;
    if (this.outstanding++ === 0) this.#busySinceMs = job.startedMs;
    this.taken++;
    this.aheadMs += job.costMs;
    this.#send(message, () => {
      if (job.worker === this) this.#unsent.add(job);
    });
  }

  publish(): void {
    // What is handed over is sent at once.
  }

  hasResults(): boolean {
    return this.#results.length > 0;
  }

  collect(sink: ResultSink): number {
    if (this.#results.length === 0) return 0;
    const results = this.#results;
    this.#results = [];
    for (const result of results) this.#settle(result, sink);
    return results.length;
  }

  takeBack(job: ThreadJob): boolean {
    if (job.transfer !== undefined || !this.#unsent.delete(job)) return false;
    this.taken--;
    this.forget(job);
    return true;
  }

  waiting(): ThreadJob[] {
    return [...this.#unsent].filter(({ transfer }) => transfer === undefined);
  }

  begun(): ThreadJob[] {
    return this.#jobs.filter(
      (job): job is ThreadJob =>
        job !== undefined && (job.transfer !== undefined || !this.#unsent.has(job)),
    );
  }

  startMs(job: ThreadJob): number | undefined {
    return this.#unsent.has(job) ? undefined : job.startedMs;
  }

  cancel(job: ThreadJob): void {
    job.isCancelled = true;
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setInt32(0, job.position, true);
    this.#lifeline?.write(bytes);
  }

  use(): WorkerUse {
    const isBusy = this.outstanding > 0 && !this.#hasEnded;
    const underWayMs = isBusy ? Math.max(0, this.#clock.nowMs() - this.#busySinceMs) : 0;
    return { busyMs: this.#busyMs + underWayMs, ...this.#use };
  }

  stop(): void {
    this.isReady = false;
    // Once is enough: `onStop` runs at each request.
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#send({ kind: 'stop' });
  }

  kill(cause?: unknown): Promise<void> {
    this.isReady = false;
    if (cause === undefined) this.#isStopping = true;
    else this.#cause ??= cause;
    // The one signal that no job can catch. Who is to end in good order has been told so by a message.
    this.#child?.kill('SIGKILL');
    return this.#ended;
  }

  forget(job: ThreadJob): void {
    this.#unsent.delete(job);
    this.#jobs[job.slot] = undefined;
    this.#free.push(job.slot);
    job.slot = -1;
    job.worker = undefined;
    if (--this.outstanding === 0) this.#busyMs += this.#clock.nowMs() - this.#busySinceMs;
    this.aheadMs = this.outstanding === 0 ? 0 : this.aheadMs - job.costMs;
  }

  get #lifeline(): Socket | undefined {
    return this.#child?.stdio[LIFELINE_FD] as Socket | undefined;
  }

  #numberFor(slot: number): number {
    this.#serial = (this.#serial + 1) % (2 ** 31 / PROCESS_SLOTS);
    // From 1 on: a flag of 0 says that nothing is cancelled.
    if (this.#serial === 0) this.#serial = 1;
    return this.#serial * PROCESS_SLOTS + slot;
  }

  #settle(result: ResultNews, sink: ResultSink): void {
    const { number, way, value, startMs, runMs } = result;
    const job = this.#jobs[number % PROCESS_SLOTS];
    if (job?.position !== number) return;
    job.startedMs = startMs;
    job.runMs = runMs;
    this.forget(job);
    if (way === 'expired') job.drop(lateError(this));
    else if (way === 'result') sink.onResult(job, decode(value));
    else sink.onFailure(job, () => thrownFrom(decodeThrown(value), `process ${this.name}`));
  }

  #announce(): void {
    for (const definition of this.#kinds.since(this.#announced))
      this.#send({ kind: 'define', definition });
    this.#announced = this.#kinds.size;
  }

  /** A channel that takes nothing any more is that of a process that ends. */
  #send(message: ProcessMessage, onUnsent?: () => void): void {
    this.#child?.send(message, (error) => {
      if (error === null) return;
      onUnsent?.();
      this.#killSoon();
    });
  }

  #listen(child: ChildProcess, resolve: () => void): void {
    const lifeline = this.#lifeline;
    // That it breaks is how its process learns of the end of this one, and the other way round.
    lifeline?.on('error', () => undefined);
    lifeline?.unref();
    child.on('message', (news) => this.#hear(news as ProcessNews));
    child.on('error', (error) => {
      this.#cause ??= error;
      if (child.pid === undefined) this.#end(error, resolve);
    });
    child.on('disconnect', () => this.#killSoon());
    // Unlike `exit`, after the last message.
    child.on('close', (code, signal) => {
      const how = signal === null ? `with code ${code}` : `by ${signal}`;
      this.#end(this.#cause ?? new Error(`the worker ended ${how}`), resolve);
    });
  }

  /** Nothing can be said to it any more. It is most likely ending by itself, which tells more than a signal. */
  #killSoon(): void {
    this.isReady = false;
    this.#cancelKill ??= this.#clock.schedule(
      LAST_WORDS_MS,
      () => void this.#child?.kill('SIGKILL'),
      { keepAlive: false },
    );
  }

  #hear(news: ProcessNews): void {
    // A job may send messages of its own.
    if (typeof news !== 'object' || news === null) return;
    if (news.kind === 'result') {
      if (news.use !== undefined) this.#use = news.use;
      this.#results.push(news);
      this.#onResults();
    } else if (news.kind === 'failed') {
      this.#cause ??= thrownFrom(decodeThrown(news.error), `process ${this.name}`);
    } else if (news.kind === 'ready' && !this.#isStopping) {
      this.#use = news.use;
      this.isReady = true;
      this.wasReady = true;
      this.#events.onReady(this, news.exports);
    }
  }

  #end(cause: unknown, resolve: () => void): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#cancelKill?.();
    this.isReady = false;
    this.#events.onEnd(this, this.#isStopping ? undefined : cause);
    resolve();
  }
}
