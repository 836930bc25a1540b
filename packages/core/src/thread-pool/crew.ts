import type { Alarm } from '../collections/index.ts';
import {
  Backoff,
  WorkerCrashedError,
  type BackoffOptions,
  type Clock,
  type Random,
} from '../core/index.ts';
import type { Desk } from './desk.ts';
import type { Ledger } from './ledger.ts';
import type { PoisonList } from './poison.ts';
import type { JobWorker, ThreadJob, WorkerEvents } from './thread-job.ts';

/** So long without a crash, in ms, and crashes before it count no more. */
const FORGIVEN_MS = 10_000;

/** How long the other tasks of a worker that is condemned may go on, in ms. */
const LAST_RESPITE_MS = 1000;

/** How long a worker may take to end in good order, in ms: `onStop` included. */
const FAREWELL_MS = 5000;

export interface CrewOptions {
  readonly size: number;
  readonly concurrencyPerThread: number;
  readonly maxTasks: number;
  readonly maxAgeMs: number;
  readonly maxHeapBytes: number;
  readonly startTimeoutMs: number;
  readonly restartBackoff: BackoffOptions;
  readonly isolation?: 'thread' | 'process';
  readonly maxHeapMb?: number | undefined;
  readonly execArgv?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

export interface CrewSetting {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly desk: Desk;
  readonly ledger: Ledger;
  readonly poison: PoisonList;
  readonly create: (name: string, events: WorkerEvents) => JobWorker;
  readonly onReady: (exports: readonly string[]) => void;
  readonly onCrash: (worker: string, cause: unknown) => void;
  /** Workers have come or gone, or tasks have been given back. */
  readonly onChange: () => void;
}

/**
 * The workers of a pool: as many as its size says, each replaced when it crashes, when its task would not
 * end, and when it is old. A worker that is replaced in good order takes tasks until its successor is ready.
 */
export class Crew implements WorkerEvents {
  readonly #setting: CrewSetting;
  #options: CrewOptions;
  #backoff: Backoff;
  /** All that live: those that start and those that end, too. */
  readonly #workers = new Set<JobWorker>();
  readonly #alarms = new Map<JobWorker, Alarm>();
  #born = 0;
  #crashes = 0;
  /** In a row. */
  #failedStarts = 0;
  #lastCrashMs = -Infinity;
  #restart: Alarm | undefined;
  #isStopping = false;
  #farewellMs = FAREWELL_MS;
  #whenGone: (() => void)[] = [];

  constructor(setting: CrewSetting, options: CrewOptions) {
    this.#setting = setting;
    this.#options = options;
    this.#backoff = new Backoff(options.restartBackoff, setting.random);
  }

  /** Every worker that lives. */
  get all(): readonly JobWorker[] {
    return [...this.#workers];
  }

  update(options: CrewOptions): void {
    if (options.restartBackoff !== this.#options.restartBackoff)
      this.#backoff = new Backoff(options.restartBackoff, this.#setting.random);
    const isRemade = makeOf(options) !== makeOf(this.#options);
    this.#options = options;
    if (isRemade && !this.#isStopping) this.#replaceAll();
    for (const worker of this.#workers) this.#watchAge(worker);
    this.fill();
  }

  /** Brings the number of workers to what it is to be. */
  fill(): void {
    if (this.#isStopping) return;
    const counted = [...this.#workers].filter(({ duty }) => duty === 'serving');
    for (let n = counted.length; n < this.#options.size && this.#restart === undefined; n++) {
      this.#spawn();
    }
    const tooMany = Math.max(0, counted.length - this.#options.size);
    const idleFirst = counted.toSorted((a, b) => rank(a) - rank(b));
    for (const worker of idleFirst.slice(0, tooMany)) this.#retire(worker);
    this.#retireReplaced();
    this.#refresh();
  }

  /** A worker has answered: it may be old now, or have nothing left to do. */
  check(worker: JobWorker): void {
    if (worker.duty === 'serving' && this.#isWorn(worker)) {
      worker.duty = 'outgoing';
      this.fill();
    } else if (worker.outstanding === 0 && worker.duty === 'retiring') this.#dismiss(worker);
    else if (
      worker.duty === 'condemned' &&
      worker.begun().every(({ answer }) => answer !== undefined)
    )
      void worker.kill();
  }

  /** Its task would not end: a new one takes its place, and it goes as soon as it can. */
  condemn(worker: JobWorker): void {
    if (worker.duty === 'condemned' || !this.#workers.has(worker)) return;
    const { desk, clock } = this.#setting;
    worker.duty = 'condemned';
    desk.release(worker);
    this.check(worker);
    this.#setAlarm(worker, clock.nowMs() + LAST_RESPITE_MS, () => void worker.kill());
    this.#setting.ledger.restarts++;
    this.fill();
    this.#setting.onChange();
  }

  /**
   * Ends all workers: in good order where they have nothing to do, at once where they have. Asked again, it may
   * leave them less time.
   * @param farewellMs how long they may take, in ms; never more than {@link FAREWELL_MS}
   */
  async stop(farewellMs: number): Promise<void> {
    this.#isStopping = true;
    this.#farewellMs = Math.min(this.#farewellMs, farewellMs);
    if (this.#restart !== undefined) this.#setting.desk.alarms.cancel(this.#restart);
    this.#restart = undefined;
    for (const worker of this.#workers) {
      const isLeaving = worker.duty === 'retiring' && worker.wasReady;
      if (worker.outstanding > 0 || (!worker.isReady && !isLeaving)) void worker.kill();
      else this.#dismiss(worker);
    }
    if (this.#workers.size > 0) await new Promise<void>((resolve) => this.#whenGone.push(resolve));
  }

  onReady(worker: JobWorker, exports: readonly string[]): void {
    this.#failedStarts = 0;
    this.#clearAlarm(worker);
    this.#setting.onReady(exports);
    this.#watchAge(worker);
    this.#retireReplaced();
    this.#refresh();
    this.#setting.onChange();
  }

  onEnd(worker: JobWorker, cause: unknown): void {
    const { desk, ledger, onCrash, onChange } = this.#setting;
    desk.collectLast(worker);
    this.#clearAlarm(worker);
    this.#workers.delete(worker);
    const { busyMs, cpuMs } = worker.use();
    ledger.leftBusyMs += busyMs;
    ledger.leftCpuMs += cpuMs;
    this.#refresh();
    desk.release(worker);
    const begun = worker.begun();
    for (const job of begun) this.#lose(job, { worker, cause, isAlone: begun.length === 1 });
    if (cause !== undefined) {
      ledger.crashes++;
      this.#delayRestart();
      onCrash(worker.name, cause);
      if (!worker.wasReady) this.#failIfNone(cause);
    }
    this.fill();
    onChange();
    if (this.#workers.size === 0) for (const resolve of this.#whenGone.splice(0)) resolve();
  }

  #spawn(): void {
    const { name, clock, create } = this.#setting;
    const worker = create(`${name}-${++this.#born}`, this);
    this.#workers.add(worker);
    const { startTimeoutMs } = this.#options;
    const late = new Error(`the worker was not ready within ${startTimeoutMs} ms`);
    this.#setAlarm(worker, clock.nowMs() + startTimeoutMs, () => void worker.kill(late));
  }

  /** What it has begun goes on to its end, however long that takes. */
  #retire(worker: JobWorker): void {
    worker.duty = 'retiring';
    this.#setting.desk.release(worker);
    this.#clearAlarm(worker);
    if (!worker.isReady) void worker.kill();
    else if (worker.outstanding === 0) this.#dismiss(worker);
  }

  /** Those that are to be replaced stay for as long as there are fewer others than there should be. */
  #retireReplaced(): void {
    const all = [...this.#workers];
    const ready = all.filter(({ duty, isReady }) => duty === 'serving' && isReady);
    const outgoing = all.filter(({ duty }) => duty === 'outgoing');
    const tooMany = Math.max(0, ready.length + outgoing.length - this.#options.size);
    for (const worker of outgoing.slice(0, tooMany)) this.#retire(worker);
  }

  /** What they were made with, they keep. */
  #replaceAll(): void {
    for (const worker of this.#workers) {
      if (worker.duty !== 'serving') continue;
      if (worker.isReady) worker.duty = 'outgoing';
      else this.#retire(worker);
    }
  }

  #dismiss(worker: JobWorker): void {
    const { clock } = this.#setting;
    worker.duty = 'retiring';
    worker.stop();
    this.#setAlarm(worker, clock.nowMs() + this.#farewellMs, () => void worker.kill());
    this.#refresh();
  }

  #lose(job: ThreadJob, how: { worker: JobWorker; cause: unknown; isAlone: boolean }): void {
    const { worker, cause, isAlone } = how;
    const { desk, ledger, poison, name, clock } = this.#setting;
    const hasBegun = worker.startMs(job) !== undefined;
    worker.forget(job);
    if (job.watch !== undefined) desk.alarms.cancel(job.watch);
    if (job.answer !== undefined) {
      if (job.answer === 'timeout') ledger.failed++;
      else ledger.aborted++;
      return;
    }
    if (hasBegun && isAlone) poison.note(job, clock.nowMs());
    if (job.idempotent && job.crashes++ === 0 && job.transfer === undefined)
      return desk.putBack(job);
    ledger.failed++;
    const what = hasBegun
      ? `the worker ${worker.name} ended while it ran ${job.kind.definition.name}`
      : `the worker ${worker.name} ended before it ran ${job.kind.definition.name}, whose input had been moved to it`;
    job.refuse(new WorkerCrashedError(name, `${name}: ${what}`, { cause }));
  }

  /** When as many as there should be have failed to start, nothing that waits would ever be done. */
  #failIfNone(cause: unknown): void {
    const { desk, name } = this.#setting;
    const hasOne = [...this.#workers].some(({ isReady }) => isReady);
    if (hasOne || ++this.#failedStarts < this.#options.size) return;
    const error = new WorkerCrashedError(name, `${name}: no worker can start`, { cause });
    desk.dropAll(error);
  }

  /** The first crashes are mended at once; a row of them ever later. */
  #delayRestart(): void {
    const { clock, desk } = this.#setting;
    const nowMs = clock.nowMs();
    if (nowMs - this.#lastCrashMs > FORGIVEN_MS) {
      this.#crashes = 0;
      this.#backoff.reset();
    }
    this.#lastCrashMs = nowMs;
    if (++this.#crashes <= 2 * this.#options.size || this.#restart !== undefined) return;
    this.#restart = desk.alarms.set(nowMs + this.#backoff.nextMs(), () => {
      this.#restart = undefined;
      this.fill();
    });
  }

  #isWorn(worker: JobWorker): boolean {
    const { maxTasks, maxAgeMs, maxHeapBytes } = this.#options;
    return (
      worker.taken >= maxTasks ||
      (maxAgeMs < Infinity && this.#setting.clock.nowMs() >= worker.bornMs + maxAgeMs) ||
      (maxHeapBytes < Infinity && worker.use().heapBytes >= maxHeapBytes)
    );
  }

  #watchAge(worker: JobWorker): void {
    if (!worker.isReady || worker.duty !== 'serving') return;
    this.#clearAlarm(worker);
    const { maxAgeMs } = this.#options;
    if (maxAgeMs < Infinity)
      this.#setAlarm(worker, worker.bornMs + maxAgeMs, () => this.check(worker));
  }

  #setAlarm(worker: JobWorker, dueMs: number, ring: () => void): void {
    this.#clearAlarm(worker);
    if (dueMs < Infinity) this.#alarms.set(worker, this.#setting.desk.alarms.set(dueMs, ring));
  }

  #clearAlarm(worker: JobWorker): void {
    const alarm = this.#alarms.get(worker);
    if (alarm !== undefined) this.#setting.desk.alarms.cancel(alarm);
    this.#alarms.delete(worker);
  }

  /** Those that retire and those that are condemned still answer. */
  #refresh(): void {
    this.#setting.desk.workers = [...this.#workers];
  }
}

/** What a worker is made with, to tell whether that has changed. */
function makeOf(options: CrewOptions): string {
  const { concurrencyPerThread, isolation, maxHeapMb, execArgv, env } = options;
  return JSON.stringify([concurrencyPerThread, isolation, maxHeapMb, execArgv, env]);
}

/** Which worker goes first when there are too many. */
function rank(worker: JobWorker): number {
  return worker.isReady ? 1 + worker.outstanding : 0;
}
