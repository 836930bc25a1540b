import { LinkedList, type Alarms } from '../collections/index.ts';
import { TimeoutError } from '../core/index.ts';
import type { QueuedJob } from '../job-queue/index.ts';
import type { LaneJob } from './lane-job.ts';
import { Tickets } from './tickets.ts';

/** What becomes of a job that would not end by itself. */
export interface LaneKeeper {
  /** Answers the caller with `error`, while the task may go on. */
  endEarly(job: LaneJob, error: TimeoutError): void;
  /** The patience with the task, `afterMs`, is at its end. */
  abandon(job: LaneJob, afterMs: number): void;
}

/**
 * The jobs on lanes that can be ended early. Each ends at its deadline or its timeout; a task that goes
 * on after that is waited for, but not for ever. O(1) a job, O(log n) for one with a time limit.
 */
export class Lanes {
  readonly #name: string;
  readonly #alarms: Alarms;
  readonly #keeper: LaneKeeper;
  readonly #jobs = new LinkedList<QueuedJob>();
  /** Those that came through a pipeline. */
  readonly #tickets = new Tickets();
  #usualMs = 0;

  constructor(name: string, alarms: Alarms, keeper: LaneKeeper) {
    this.#name = name;
    this.#alarms = alarms;
    this.#keeper = keeper;
  }

  /** @param nowMs needed for a job with a time limit. */
  add(job: LaneJob, nowMs: number): void {
    job.state = 'running';
    job.startMs = nowMs;
    this.#jobs.append(job);
    if (job.task === undefined) job.ticket = this.#tickets.give(job);
    const endMs = Math.min(job.deadlineAtMs, nowMs + (job.timeoutMs ?? Infinity));
    if (endMs < Infinity) {
      job.laneAlarm = this.#alarms.set(endMs, () => this.#keeper.endEarly(job, this.#late(job)));
    }
  }

  /** Learns how long a task takes that went well: a moving average over about the last eight. */
  learn(durationMs: number): void {
    this.#usualMs += (durationMs - this.#usualMs) / (this.#usualMs === 0 ? 1 : 8);
  }

  /** The caller was answered: the job is abandoned unless its task ends within `patienceMs`. */
  waitFor(job: LaneJob, nowMs: number, patienceMs: number): void {
    job.state = 'overdue';
    this.#cancelAlarm(job);
    const giveUp = (): void => this.#keeper.abandon(job, patienceMs);
    job.laneAlarm = this.#alarms.set(nowMs + patienceMs, giveUp);
  }

  remove(job: LaneJob): void {
    job.state = 'gone';
    this.#jobs.remove(job);
    if (job.task === undefined) this.#tickets.takeBack(job.ticket);
    this.#cancelAlarm(job);
  }

  /** Undefined when its task was given up before. */
  byTicket(ticket: number): LaneJob | undefined {
    return this.#tickets.jobOf(ticket);
  }

  /** Answers all callers that still wait with TimeoutError. Returns how many. O(n). */
  endAll(message: string, timeoutMs: number): number {
    const waiting = this.all().filter(({ state }) => state === 'running');
    for (const job of waiting) {
      this.#keeper.endEarly(job, new TimeoutError(this.#name, message, { timeoutMs }));
    }
    return waiting.length;
  }

  all(): readonly LaneJob[] {
    return [...this.#jobs] as LaneJob[];
  }

  #cancelAlarm(job: LaneJob): void {
    if (job.laneAlarm === undefined) return;
    this.#alarms.cancel(job.laneAlarm);
    job.laneAlarm = undefined;
  }

  #late({ context, startMs = Number.NaN, timeoutMs, deadlineAtMs }: LaneJob): TimeoutError {
    if (timeoutMs !== undefined && startMs + timeoutMs <= deadlineAtMs) {
      const message = `${this.#name}: the task ran for the ${timeoutMs} ms that it was given`;
      return new TimeoutError(this.#name, message, { timeoutMs });
    }
    const message = `${this.#name}: the deadline passed while the task ran`;
    const cutShort = deadlineAtMs - startMs < this.#usualMs;
    return new TimeoutError(this.#name, message, {
      timeoutMs: context?.budgetMs ?? Infinity,
      cutShort,
    });
  }
}
