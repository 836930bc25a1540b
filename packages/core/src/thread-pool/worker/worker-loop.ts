import { receiveMessageOnPort } from 'node:worker_threads';
import { machineMs, systemClock } from '../../core/clock.ts';
import { isThenable } from '../../core/thenable.ts';
import { Transferring, type Job } from '../job-types.ts';
import { cloneableRecordOf, recordOf } from '../shared/error-record.ts';
import { Lobby } from '../shared/lobby.ts';
import {
  ASLEEP,
  AWAKE,
  BUSY_MS,
  BUSY_SINCE_MS,
  CANCELS,
  CLAIMED,
  CPU_MS,
  DONE,
  EXPIRED,
  FAILED,
  HEAP_BYTES,
  Mailbox,
  READY,
  REQUEST_HEAD,
  REQUEST_TAIL,
  RESULT_TAIL,
  WITH_EXTRAS,
  WORKER_BELL,
  WORKER_STATE,
} from '../shared/mailbox.ts';
import type { PortMessage, TaskExtras, WorkerSetup } from '../shared/protocol.ts';
import { SlotValues } from '../shared/slot-values.ts';
import type { JobTable } from './job-table.ts';
import { SlotContext, type ContextPlace } from './slot-context.ts';

/** How long it sleeps deaf to its event loop, because that wakes sooner, before it sleeps in the loop. */
const DEEP_SLEEP_MS = 50;

/**
 * While it has more to do, it rings the main thread for the results of so long together, in ms: to wake it for each
 * of many short ones would cost it more than they do.
 */
const TOGETHER_MS = 0.15;

/** The event loop has its turn at least so often, in ms, however much there is to do. */
const STRETCH_MS = 1;

/** How often it says how much heap it uses, in ms. */
const REPORT_MS = 100;

/**
 * Runs the tasks of one worker: takes them from the ring in order, and sleeps when there are none. First it
 * spins for microseconds, which answers a caller who submits one task after the other without any system
 * call; then it sleeps on the bell; at last on its event loop, where timers and sockets of the jobs live.
 */
export class WorkerLoop {
  readonly #setup: WorkerSetup;
  readonly #jobs: JobTable;
  readonly #mailbox: Mailbox;
  readonly #values: SlotValues;
  readonly #lobby: Lobby;
  readonly #place: ContextPlace;
  #head = 0;
  #resultTail = 0;
  #running = 0;
  #busySinceMs = 0;
  #inTurn = false;
  #turnIsDue = false;
  #isListening = false;
  #yieldedAtMs = 0;
  /** Since when there are results that the main thread was not rung for; NaN without any. */
  #untoldSinceMs = Number.NaN;
  #reportedAtMs = 0;
  #cancelsSeen = 0;
  /** Contexts of the jobs that wait for something, to tell them when their calls are ended. */
  readonly #waiting = new Set<SlotContext>();

  constructor(setup: WorkerSetup, jobs: JobTable) {
    this.#setup = setup;
    this.#jobs = jobs;
    this.#mailbox = new Mailbox(setup.mailbox);
    const { inputShapes: inputs, resultShapes: results } = setup;
    this.#values = new SlotValues('worker', this.#mailbox, { inputs, results });
    this.#lobby = new Lobby(setup.lobby);
    const clockOffsetMs = setup.clockOffsetMs + machineMs() - systemClock.nowMs();
    const { name: worker } = setup;
    this.#place = { calls: this.#mailbox, worker, clockOffsetMs };
  }

  /** Runs what there is, and comes back by itself for what comes later. */
  readonly turn = (): void => {
    if (this.#inTurn) return;
    this.#inTurn = true;
    try {
      this.#work();
    } finally {
      this.#inTurn = false;
    }
  };

  #work(): void {
    if (this.#yieldedAtMs === 0) this.#yieldedAtMs = systemClock.nowMs();
    for (;;) {
      const isYieldDue = this.#drain();
      this.#tellAll();
      this.#tellCancelled();
      if (isYieldDue) return this.#turnSoon();
      // A job that waits goes on in a microtask or with the event loop.
      if (this.#running > 0 || !this.#spin()) return this.#turnSoon();
    }
  }

  /** Whether it must yield before it goes on. */
  #drain(): boolean {
    const { words } = this.#mailbox;
    while (this.#head !== Atomics.load(words, REQUEST_TAIL)) {
      if (this.#running >= this.#setup.concurrency) return false;
      const slot = this.#mailbox.request(this.#head);
      const isClaimed = this.#mailbox.exchange(slot, READY, CLAIMED);
      if (!isClaimed) this.#pass(slot);
      // Only now: whoever took it back uses the slot again once it is passed by.
      this.#head = (this.#head + 1) | 0;
      Atomics.store(words, REQUEST_HEAD, this.#head);
      if (!isClaimed) continue;
      const endMs = this.#run(slot);
      if (endMs - this.#yieldedAtMs > STRETCH_MS) return true;
    }
    return false;
  }

  /** Runs the task of a slot, or begins to. Returns the time after that. */
  #run(slot: number): number {
    const startMs = systemClock.nowMs();
    const mailbox = this.#mailbox;
    mailbox.setStartMs(slot, startMs + this.#place.clockOffsetMs);
    if (this.#running++ === 0) {
      this.#busySinceMs = startMs;
      mailbox.numbers[BUSY_SINCE_MS] = startMs + this.#place.clockOffsetMs;
    }
    let context: SlotContext | undefined;
    try {
      const flags = mailbox.kind(slot);
      let input = this.#input(slot);
      let extras: TaskExtras | undefined;
      if (flags & WITH_EXTRAS) [input, extras] = input as [unknown, TaskExtras];
      // The main thread would have taken it back in time, had it not been busy itself.
      if (startMs + this.#place.clockOffsetMs >= (extras?.deadlineAtMs ?? Infinity)) {
        this.#values.write(slot, undefined, EXPIRED);
        return this.#publish(slot, undefined, startMs);
      }
      const job = this.#jobs.find(mailbox.job(slot)) ?? this.#receiveJob(mailbox.job(slot));
      context = new SlotContext(this.#place, slot, extras);
      const result = this.#jobs.run(job, input, context, extras);
      if (isThenable(result)) {
        this.#follow(slot, context, Promise.resolve(result));
        return systemClock.nowMs();
      }
      return this.#finish(slot, context, result, startMs);
    } catch (error) {
      return this.#fail(slot, context, error, startMs);
    }
  }

  #follow(slot: number, context: SlotContext, work: Promise<unknown>): void {
    this.#waiting.add(context);
    const startMs = this.#mailbox.startMs(slot) - this.#place.clockOffsetMs;
    const left = (settle: () => number): void => {
      this.#waiting.delete(context);
      const nowMs = settle();
      if (nowMs - this.#yieldedAtMs > STRETCH_MS) this.#turnSoon();
      else this.turn();
    };
    work.then(
      (value) => left(() => this.#finish(slot, context, value, startMs)),
      (error: unknown) => left(() => this.#fail(slot, context, error, startMs)),
    );
  }

  #finish(slot: number, context: SlotContext, result: unknown, startMs: number): number {
    let value = result;
    let transfer: readonly unknown[] | undefined;
    if (result instanceof Transferring) ({ value, transfer } = result as Transferring<unknown>);
    if (transfer !== undefined || !this.#values.write(slot, value)) {
      try {
        this.#post(slot, value, transfer);
      } catch (error) {
        return this.#fail(slot, context, error, startMs);
      }
      this.#values.writePosted(slot);
    }
    return this.#publish(slot, context, startMs);
  }

  #fail(slot: number, context: SlotContext | undefined, error: unknown, startMs: number): number {
    const record = recordOf(error);
    if (!this.#values.write(slot, record, FAILED)) {
      try {
        this.#post(slot, record);
        this.#values.writePosted(slot, FAILED);
      } catch {
        const rest = cloneableRecordOf(error);
        if (!this.#values.write(slot, rest, FAILED)) {
          this.#post(slot, rest);
          this.#values.writePosted(slot, FAILED);
        }
      }
    }
    return this.#publish(slot, context, startMs);
  }

  #post(slot: number, value: unknown, transfer: readonly unknown[] = []): void {
    const message = { serial: this.#mailbox.serial(slot), value };
    this.#setup.port.postMessage(message, transfer as never[]);
  }

  #publish(slot: number, context: SlotContext | undefined, startMs: number): number {
    const mailbox = this.#mailbox;
    const endMs = systemClock.nowMs();
    context?.end();
    mailbox.setRunMs(slot, endMs - startMs);
    if (--this.#running === 0) {
      mailbox.numbers[BUSY_MS] = (mailbox.numbers[BUSY_MS] as number) + endMs - this.#busySinceMs;
      mailbox.numbers[BUSY_SINCE_MS] = Number.NaN;
    }
    mailbox.setState(slot, DONE);
    mailbox.setResult(this.#resultTail, slot);
    this.#resultTail = (this.#resultTail + 1) | 0;
    Atomics.store(mailbox.words, RESULT_TAIL, this.#resultTail);
    this.#tell(endMs);
    return endMs;
  }

  /** Rings for results: for the last one at once, and while there is more to do for those of a while together. */
  #tell(nowMs: number): void {
    if (Number.isNaN(this.#untoldSinceMs)) this.#untoldSinceMs = nowMs;
    const hasMore = this.#running === 0 && this.#hasWork();
    if (!hasMore || nowMs - this.#untoldSinceMs >= TOGETHER_MS) this.#tellAll();
  }

  #tellAll(): void {
    if (Number.isNaN(this.#untoldSinceMs)) return;
    this.#untoldSinceMs = Number.NaN;
    this.#lobby.wakeMain();
  }

  #input(slot: number): unknown {
    if (!this.#values.isPosted(slot)) return this.#values.read(slot);
    const serial = this.#mailbox.serial(slot);
    for (;;) {
      const message = this.#receive();
      if ('serial' in message && message.serial === serial) return message.value;
    }
  }

  /** Its task was taken back: then nobody else fetches what was posted for it. */
  #pass(slot: number): void {
    this.#values.discard(slot);
    if (!this.#values.isPosted(slot)) return;
    try {
      this.#input(slot);
    } catch {
      // It cannot be read, and need not be.
    }
  }

  #receiveJob(id: number): Job {
    for (;;) {
      const job = this.#jobs.find(id);
      if (job !== undefined) return job;
      this.#receive();
    }
  }

  /** The next message. What a slot needs was sent before the slot was published. */
  #receive(): PortMessage {
    const received = receiveMessageOnPort(this.#setup.port);
    if (received === undefined) throw new Error('a message of the pool is missing');
    const message = received.message as PortMessage;
    if ('define' in message) this.#jobs.define(message.define);
    return message;
  }

  #tellCancelled(): void {
    const cancels = Atomics.load(this.#mailbox.words, CANCELS);
    if (cancels === this.#cancelsSeen) return;
    this.#cancelsSeen = cancels;
    for (const context of this.#waiting) context.look();
  }

  #hasWork(): boolean {
    const { words } = this.#mailbox;
    return (
      (this.#head !== Atomics.load(words, REQUEST_TAIL) &&
        this.#running < this.#setup.concurrency) ||
      this.#cancelsSeen !== Atomics.load(words, CANCELS)
    );
  }

  /** Whether there is work again. */
  #spin(): boolean {
    const { spinMs } = this.#setup;
    if (spinMs === 0) return this.#hasWork();
    const untilMs = systemClock.nowMs() + spinMs;
    do {
      for (let i = 0; i < 20; i++) if (this.#hasWork()) return true;
    } while (systemClock.nowMs() < untilMs);
    return false;
  }

  /** Goes on, or sleeps, after the event loop has had its turn. */
  #turnSoon(): void {
    if (this.#turnIsDue) return;
    this.#turnIsDue = true;
    setImmediate(() => {
      this.#turnIsDue = false;
      this.#yieldedAtMs = systemClock.nowMs();
      this.#report();
      if (this.#hasWork()) this.turn();
      else if (this.#running > 0 || this.#setup.concurrency > 1 || hasHandles()) this.#listen();
      else this.#sleep();
    });
  }

  #sleep(): void {
    this.#report();
    const { words } = this.#mailbox;
    const bell = Atomics.load(words, WORKER_BELL);
    Atomics.store(words, WORKER_STATE, ASLEEP);
    const isRung =
      this.#hasWork() || Atomics.wait(words, WORKER_BELL, bell, DEEP_SLEEP_MS) !== 'timed-out';
    if (!isRung) return this.#listen();
    this.#wake();
  }

  /** Sleeps on the event loop: jobs that wait go on, and the bell is heard. */
  #listen(): void {
    this.#report();
    const { words } = this.#mailbox;
    const bell = Atomics.load(words, WORKER_BELL);
    Atomics.store(words, WORKER_STATE, ASLEEP);
    if (this.#hasWork()) return this.#wake();
    if (this.#isListening) return;
    const ringing = Atomics.waitAsync(words, WORKER_BELL, bell);
    if (!ringing.async) return this.#wake();
    this.#isListening = true;
    void ringing.value.then(() => {
      this.#isListening = false;
      this.#wake();
    });
  }

  #wake(): void {
    Atomics.store(this.#mailbox.words, WORKER_STATE, AWAKE);
    this.#yieldedAtMs = systemClock.nowMs();
    this.turn();
  }

  #report(): void {
    const nowMs = systemClock.nowMs();
    if (nowMs - this.#reportedAtMs < REPORT_MS) return;
    this.#reportedAtMs = nowMs;
    const { numbers } = this.#mailbox;
    numbers[HEAP_BYTES] = process.memoryUsage().heapUsed;
    const cpu = process.threadCpuUsage?.();
    numbers[CPU_MS] = cpu === undefined ? Number.NaN : (cpu.user + cpu.system) / 1000;
  }
}

/** Whether timers or sockets of the jobs live on the event loop, which then must not stand still. */
function hasHandles(): boolean {
  for (const kind of process.getActiveResourcesInfo()) if (kind !== 'MessagePort') return true;
  return false;
}
