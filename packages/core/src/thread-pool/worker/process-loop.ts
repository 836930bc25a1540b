import { machineMs, systemClock } from '../../core/clock.ts';
import { isThenable } from '../../core/thenable.ts';
import { Transferring } from '../job-types.ts';
import { decode, encode, encodeThrown, type Crossing } from '../shared/crossing.ts';
import {
  PROCESS_SLOTS,
  type ProcessNews,
  type ProcessUse,
  type ResultNews,
  type RunMessage,
} from '../shared/process-protocol.ts';
import type { CommonSetup, TaskExtras } from '../shared/protocol.ts';
import type { JobTable } from './job-table.ts';
import { Lifeline } from './lifeline.ts';
import { SlotContext, type ContextPlace } from './slot-context.ts';

/** How often the process says what it uses, in ms. */
const REPORT_MS = 100;

/** Runs the tasks of a worker that is a process: each one as its message comes. */
export class ProcessLoop {
  readonly #jobs: JobTable;
  readonly #tell: (news: ProcessNews) => void;
  readonly #lifeline: Lifeline;
  readonly #place: ContextPlace;
  /** Contexts of the tasks that run, by slot. */
  readonly #contexts = new Map<number, SlotContext>();
  #reportedAtMs = 0;

  constructor(setup: CommonSetup, jobs: JobTable, tell: (news: ProcessNews) => void) {
    this.#jobs = jobs;
    this.#tell = tell;
    this.#lifeline = new Lifeline((number) => this.#contexts.get(number % PROCESS_SLOTS)?.look());
    const clockOffsetMs = setup.clockOffsetMs + machineMs() - systemClock.nowMs();
    this.#place = { calls: this.#lifeline, worker: setup.name, clockOffsetMs };
  }

  run(message: RunMessage): void {
    const { number } = message;
    const startMs = systemClock.nowMs();
    this.#lifeline.begin(number);
    try {
      const value = decode(message.value);
      const [input, extras] = message.hasExtras ? (value as [unknown, TaskExtras]) : [value];
      // The main thread had not seen it yet when it handed the task over.
      if (startMs + this.#place.clockOffsetMs >= (extras?.deadlineAtMs ?? Infinity))
        return this.#answer({ number, way: 'expired', value: encode(undefined), startMs });
      const job = this.#jobs.find(message.job);
      if (job === undefined) throw new Error('a message of the pool is missing');
      const context = new SlotContext(this.#place, number, extras);
      this.#contexts.set(number % PROCESS_SLOTS, context);
      const result = this.#jobs.run(job, input, context, extras);
      if (!isThenable(result)) return this.#finish(number, result, startMs);
      Promise.resolve(result).then(
        (late) => this.#finish(number, late, startMs),
        (error: unknown) => this.#fail(number, error, startMs),
      );
    } catch (error) {
      this.#fail(number, error, startMs);
    }
  }

  /** What the process has used since it began. */
  use(): ProcessUse {
    const { user, system } = process.cpuUsage();
    return { cpuMs: (user + system) / 1000, heapBytes: process.memoryUsage().heapUsed };
  }

  #finish(number: number, result: unknown, startMs: number): void {
    let value: Crossing;
    try {
      value =
        result instanceof Transferring ? encode(result.value, result.transfer) : encode(result);
    } catch (error) {
      return this.#fail(number, error, startMs);
    }
    this.#answer({ number, way: 'result', value, startMs });
  }

  #fail(number: number, error: unknown, startMs: number): void {
    this.#answer({ number, way: 'failure', value: encodeThrown(error), startMs });
  }

  #answer(answer: Pick<ResultNews, 'number' | 'way' | 'value' | 'startMs'>): void {
    const { number, startMs: beganMs } = answer;
    const slot = number % PROCESS_SLOTS;
    this.#contexts.get(slot)?.end();
    this.#contexts.delete(slot);
    const endMs = systemClock.nowMs();
    const runMs = endMs - beganMs;
    const startMs = beganMs + this.#place.clockOffsetMs;
    this.#tell({ kind: 'result', ...answer, startMs, runMs, use: this.#useNowAndThen(endMs) });
  }

  #useNowAndThen(nowMs: number): ProcessUse | undefined {
    if (nowMs - this.#reportedAtMs < REPORT_MS) return undefined;
    this.#reportedAtMs = nowMs;
    return this.use();
  }
}
