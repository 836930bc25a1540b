import {
  MessageChannel,
  receiveMessageOnPort,
  Worker,
  type MessagePort,
} from 'node:worker_threads';
import { machineMs, type Clock } from '../core/index.ts';
import { SHAPE_TABLE_BYTES } from './codec/index.ts';
import type { JobKinds } from './job-kinds.ts';
import type { Duty, WorkerUse } from './job-worker.ts';
import { thrownFrom, type Thrown } from './shared/error-record.ts';
import type { Lobby } from './shared/lobby.ts';
import {
  ASLEEP,
  AWAKE,
  BUSY_MS,
  BUSY_SINCE_MS,
  CANCELS,
  CPU_MS,
  CLAIMED,
  EXPIRED,
  FAILED,
  HEAP_BYTES,
  Mailbox,
  READY,
  REQUEST_HEAD,
  REQUEST_TAIL,
  RESULT_TAIL,
  SLOTS,
  TAKEN_BACK,
  WITH_EXTRAS,
  WORKER_BELL,
  WORKER_STATE,
} from './shared/mailbox.ts';
import {
  STOP,
  type PortMessage,
  type PostedResult,
  type WorkerNews,
  type WorkerSetup,
} from './shared/protocol.ts';
import { SlotValues } from './shared/slot-values.ts';
import {
  lateError,
  type JobWorker,
  type ResultSink,
  type ThreadJob,
  type WorkerEvents,
} from './thread-job.ts';

/** Tasks are shown to the worker at the end of the tick, and after so many. */
const PUBLISH_EVERY = 32;

/** How long a worker without work looks for more before it sleeps, in ms. On one CPU it would look in vain. */
const SPIN_MS = 0.05;

/** The file that a worker runs lies beside this one, in the form in which this one is. */
const ENTRY = new URL(
  import.meta.url.endsWith('.ts') ? './worker/entry.ts' : './worker/entry.js',
  import.meta.url,
);

export interface ThreadOptions {
  readonly name: string;
  readonly module: string | undefined;
  readonly concurrency: number;
  readonly maxHeapMb: number | undefined;
  readonly execArgv: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string>> | undefined;
}

/** What the workers of a pool share. */
export interface House {
  readonly clock: Clock;
  readonly lobby: Lobby;
  readonly kinds: JobKinds;
  readonly cpus: number;
}

/** A slot whose task was taken back: free once the worker has passed it by. */
interface Passed {
  readonly slot: number;
  readonly position: number;
}

/** A worker that is a thread: tasks and results go through shared memory. */
export class ThreadWorker implements JobWorker {
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
  readonly #mailbox = new Mailbox();
  readonly #values: SlotValues;
  readonly #clock: Clock;
  readonly #kinds: JobKinds;
  readonly #port: MessagePort;
  readonly #worker: Worker;
  readonly #events: WorkerEvents;
  readonly #jobs: (ThreadJob | undefined)[] = new Array<undefined>(SLOTS).fill(undefined);
  /** Free slots; the one that was used last first, as it is still in the cache. */
  readonly #free = Int32Array.from({ length: SLOTS }, (_, i) => SLOTS - 1 - i);
  #freeCount = SLOTS;
  readonly #passed: Passed[] = [];
  #announced: number;
  #tail = 0;
  #unpublished = 0;
  #resultHead = 0;
  #serial = 0;
  #cause: unknown;
  #isStopping = false;
  #ended: Promise<void>;

  constructor(options: ThreadOptions, house: House, events: WorkerEvents) {
    this.name = options.name;
    this.#clock = house.clock;
    this.bornMs = house.clock.nowMs();
    this.progressMs = this.bornMs;
    const inputs = new SharedArrayBuffer(SHAPE_TABLE_BYTES);
    const results = new SharedArrayBuffer(SHAPE_TABLE_BYTES);
    this.#values = new SlotValues('main', this.#mailbox, { inputs, results });
    this.#kinds = house.kinds;
    this.#events = events;
    this.#announced = house.kinds.size;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const setup: WorkerSetup = {
      name: options.name,
      mailbox: this.#mailbox.buffer,
      lobby: house.lobby.buffer,
      inputShapes: inputs,
      resultShapes: results,
      port: port2,
      module: options.module,
      jobs: house.kinds.since(0),
      concurrency: options.concurrency,
      clockOffsetMs: house.clock.nowMs() - machineMs(),
      spinMs: house.cpus > 1 ? SPIN_MS : 0,
    };
    this.#worker = start(options, setup, port2);
    this.#ended = this.#listen();
    // What keeps the process alive is the work, not the worker: after the listeners, which would hold it.
    this.#worker.unref();
  }

  get room(): number {
    if (this.#passed.length > 0) this.#freePassed();
    return this.#freeCount;
  }

  hand(job: ThreadJob): void {
    const mailbox = this.#mailbox;
    const { id } = job.kind.definition;
    if (id >= this.#announced) this.#announce();
    // Taken before the input is read: a getter of it may submit a task.
    const slot = this.#free[--this.#freeCount] as number;
    try {
      this.#write(slot, job);
    } catch (error) {
      this.#free[this.#freeCount++] = slot;
      throw error;
    }
    mailbox.setJob(slot, id);
    if (job.isTimed) mailbox.setStartMs(slot, Number.NaN);
    mailbox.setState(slot, READY);
    mailbox.setRequest(this.#tail, slot);
    job.worker = this;
    job.slot = slot;
    job.position = this.#tail;
    job.costMs = job.kind.costMs;
    this.#tail = (this.#tail + 1) | 0;
    this.#jobs[slot] = job;
    this.outstanding++;
    this.taken++;
    this.aheadMs += job.costMs;
    if (++this.#unpublished === PUBLISH_EVERY) this.publish();
  }

  publish(): void {
    if (this.#unpublished === 0) return;
    this.#unpublished = 0;
    Atomics.store(this.#mailbox.words, REQUEST_TAIL, this.#tail);
    this.#ring();
  }

  hasResults(): boolean {
    return Atomics.load(this.#mailbox.words, RESULT_TAIL) !== this.#resultHead;
  }

  collect(sink: ResultSink): number {
    const tail = Atomics.load(this.#mailbox.words, RESULT_TAIL);
    let count = 0;
    while (this.#resultHead !== tail) {
      const slot = this.#mailbox.result(this.#resultHead);
      this.#resultHead = (this.#resultHead + 1) | 0;
      this.#settle(slot, sink);
      count++;
    }
    return count;
  }

  takeBack(job: ThreadJob): boolean {
    // What was transferred is the worker's now, and what it would be run with elsewhere is gone.
    if (job.transfer !== undefined) return false;
    const { slot } = job;
    if (!this.#mailbox.exchange(slot, READY, TAKEN_BACK)) return false;
    this.#passed.push({ slot, position: job.position });
    this.taken--;
    this.forget(job);
    return true;
  }

  waiting(): ThreadJob[] {
    const waiting: ThreadJob[] = [];
    const head = Atomics.load(this.#mailbox.words, REQUEST_HEAD);
    for (let position = head; position !== this.#tail; position = (position + 1) | 0) {
      const job = this.#jobs[this.#mailbox.request(position)];
      if (job?.position === position && job.transfer === undefined) waiting.push(job);
    }
    return waiting;
  }

  begun(): ThreadJob[] {
    const isBegun = (job: ThreadJob | undefined): boolean =>
      job !== undefined && (job.transfer !== undefined || this.#mailbox.state(job.slot) !== READY);
    return this.#jobs.filter((job): job is ThreadJob => isBegun(job));
  }

  startMs(job: ThreadJob): number | undefined {
    if (this.#mailbox.state(job.slot) < CLAIMED) return undefined;
    return this.#mailbox.startMs(job.slot);
  }

  cancel(job: ThreadJob): void {
    job.isCancelled = true;
    this.#mailbox.setCancelled(job.slot, true);
    Atomics.add(this.#mailbox.words, CANCELS, 1);
    this.#ring();
  }

  use(): WorkerUse {
    const { numbers } = this.#mailbox;
    const sinceMs = numbers[BUSY_SINCE_MS] as number;
    const nowMs = this.isReady && sinceMs > 0 ? this.#clock.nowMs() : Number.NaN;
    const underWayMs = Number.isNaN(nowMs) ? 0 : Math.max(0, nowMs - sinceMs);
    return {
      busyMs: (numbers[BUSY_MS] as number) + underWayMs,
      cpuMs: numbers[CPU_MS] as number,
      heapBytes: numbers[HEAP_BYTES] as number,
    };
  }

  stop(): void {
    this.isReady = false;
    // Once is enough: `onStop` runs at each request.
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#worker.postMessage(STOP);
    this.#ring();
  }

  kill(cause?: unknown): Promise<void> {
    this.isReady = false;
    if (cause === undefined) this.#isStopping = true;
    else this.#cause ??= cause;
    void this.#worker.terminate();
    return this.#ended;
  }

  forget(job: ThreadJob): void {
    this.#jobs[job.slot] = undefined;
    job.slot = -1;
    job.worker = undefined;
    this.outstanding--;
    // From 0, what was rounded is gone again.
    this.aheadMs = this.outstanding === 0 ? 0 : this.aheadMs - job.costMs;
  }

  get #isEnding(): boolean {
    return this.#isStopping || this.#cause !== undefined;
  }

  #write(slot: number, job: ThreadJob): void {
    const flags = job.extras === undefined ? 0 : WITH_EXTRAS;
    const value = job.extras === undefined ? job.input : [job.input, job.extras];
    if (job.transfer === undefined && this.#values.write(slot, value, flags)) return;
    const serial = (this.#serial = (this.#serial + 1) | 0);
    const message: PortMessage = { serial, value };
    this.#port.postMessage(message, job.transfer as never);
    this.#mailbox.setSerial(slot, serial);
    this.#values.writePosted(slot, flags);
  }

  #settle(slot: number, sink: ResultSink): void {
    const mailbox = this.#mailbox;
    const job = this.#jobs[slot] as ThreadJob;
    const isExpired = (mailbox.kind(slot) & EXPIRED) !== 0;
    const answer = this.#answer(slot);
    job.startedMs = mailbox.startMs(slot);
    job.runMs = mailbox.runMs(slot);
    if (job.isCancelled) mailbox.setCancelled(slot, false);
    this.#free[this.#freeCount++] = slot;
    this.forget(job);
    if (isExpired) job.drop(lateError(this));
    else if ('failure' in answer) sink.onFailure(job, answer.failure);
    else sink.onResult(job, answer.value);
  }

  #answer(slot: number): { value: unknown } | { failure: () => unknown } {
    try {
      const isFailure = (this.#mailbox.kind(slot) & FAILED) !== 0;
      const value = this.#values.isPosted(slot) ? this.#receive() : this.#values.read(slot);
      if (!isFailure) return { value };
      return { failure: () => thrownFrom(value as Thrown, `thread ${this.name}`) };
    } catch (error) {
      // It could be sent and cannot be read: so deep that this thread's stack is too small for it.
      return { failure: () => error };
    }
  }

  /** The results on the port come in the order of those in the ring. */
  #receive(): unknown {
    const received = receiveMessageOnPort(this.#port);
    if (received === undefined) throw new Error('the message with the result is missing');
    return (received.message as PostedResult).value;
  }

  #announce(): void {
    for (const definition of this.#kinds.since(this.#announced)) {
      const message: PortMessage = { define: definition };
      this.#port.postMessage(message);
    }
    this.#announced = this.#kinds.size;
  }

  #freePassed(): void {
    const head = Atomics.load(this.#mailbox.words, REQUEST_HEAD);
    const isPassed = ({ position }: Passed): boolean => ((position - head) | 0) < 0;
    while (this.#passed[0] !== undefined && isPassed(this.#passed[0])) {
      this.#free[this.#freeCount++] = (this.#passed.shift() as Passed).slot;
    }
  }

  #ring(): void {
    const { words } = this.#mailbox;
    if (Atomics.load(words, WORKER_STATE) !== ASLEEP) return;
    if (Atomics.compareExchange(words, WORKER_STATE, ASLEEP, AWAKE) !== ASLEEP) return;
    Atomics.add(words, WORKER_BELL, 1);
    Atomics.notify(words, WORKER_BELL);
  }

  #listen(): Promise<void> {
    this.#worker.on('message', (news: WorkerNews | null | undefined) => {
      // Jobs have this channel, too, and may send what they like.
      if (news?.kind !== 'ready' || this.isReady || this.#isEnding) return;
      this.isReady = true;
      this.wasReady = true;
      this.#events.onReady(this, news.exports);
    });
    this.#worker.on('error', (error) => {
      this.#cause = error;
    });
    return new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.isReady = false;
        const cause = this.#cause ?? new Error(`the worker ended with code ${code}`);
        this.#events.onEnd(this, this.#isStopping ? undefined : cause);
        // Only now: the last results may be on it.
        this.#port.close();
        resolve();
      });
    });
  }
}

function start(options: ThreadOptions, setup: WorkerSetup, port: MessagePort): Worker {
  const { name, maxHeapMb, execArgv, env } = options;
  return new Worker(ENTRY, {
    name,
    workerData: setup,
    transferList: [port],
    ...(maxHeapMb === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: maxHeapMb } }),
    ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
    ...(env === undefined ? {} : { env: { ...env } }),
  });
}
