import { DeadlineExceededError, TimeoutError, type Clock } from '../core/index.ts';
import type { Desk } from './desk.ts';
import type { Ledger } from './ledger.ts';
import type { Answer, JobWorker, ThreadJob } from './thread-job.ts';

export interface SupervisorSetting {
  readonly name: string;
  readonly clock: Clock;
  readonly desk: Desk;
  readonly ledger: Ledger;
  /** How long a task may go on after its call was ended, in ms. */
  readonly graceMs: () => number;
  /** A task would not end. */
  readonly onStubborn: (worker: JobWorker) => void;
}

/** Ends calls early: at their timeouts and deadlines, and when their callers leave. */
export class Supervisor {
  readonly #setting: SupervisorSetting;

  constructor(setting: SupervisorSetting) {
    this.#setting = setting;
  }

  /** A task whose call may end early has a worker now. */
  watch(job: ThreadJob): void {
    const dueMs = Math.min(job.deadlineAtMs, this.#setting.clock.nowMs() + job.timeoutMs);
    if (dueMs < Infinity) this.#lookAt(job, dueMs);
  }

  /** Answers the caller with `reason` at once, wherever the task is. */
  leave(job: ThreadJob, reason: unknown): void {
    const { desk, ledger } = this.#setting;
    if (job.answer !== undefined) return;
    if (this.#withdraw(job)) {
      ledger.aborted++;
      job.refuse(reason);
      desk.onLeft();
    } else if (job.worker !== undefined) this.#endEarly(job, reason, 'aborted');
  }

  /** Answers the caller of a task that runs with TimeoutError. */
  end(job: ThreadJob, error: TimeoutError): void {
    if (job.answer === undefined) this.#endEarly(job, error, 'timeout');
  }

  /** Whether the task had not begun, and now never will. */
  #withdraw(job: ThreadJob): boolean {
    const { desk } = this.#setting;
    if (job.worker === undefined) return desk.remove(job);
    if (!job.worker.takeBack(job)) return false;
    if (job.watch !== undefined) desk.alarms.cancel(job.watch);
    return true;
  }

  #lookAt(job: ThreadJob, dueMs: number): void {
    const { alarms } = this.#setting.desk;
    if (job.watch !== undefined) alarms.cancel(job.watch);
    job.watch = alarms.set(dueMs, () => this.#look(job));
  }

  #look(job: ThreadJob): void {
    const { clock, ledger, desk, name } = this.#setting;
    const { worker, deadlineAtMs, timeoutMs } = job;
    // What was taken back waits again, and the queue knows of the deadline.
    if (worker === undefined || job.answer !== undefined) return;
    // It may just have ended.
    if (worker.hasResults()) desk.collect();
    if (job.worker === undefined) return;
    const nowMs = clock.nowMs();
    const startMs = worker.startMs(job);
    if (startMs === undefined) {
      if (nowMs < deadlineAtMs) return this.#lookAt(job, Math.min(deadlineAtMs, nowMs + timeoutMs));
      if (this.#withdraw(job)) {
        ledger.expired++;
        const message = `${name}: the deadline passed while the call waited in the queue`;
        job.refuse(new DeadlineExceededError(name, message));
        return desk.onLeft();
      }
    }
    const beganMs = startMs === undefined || Number.isNaN(startMs) ? nowMs : startMs;
    const dueMs = Math.min(deadlineAtMs, beganMs + timeoutMs);
    if (nowMs < dueMs) return this.#lookAt(job, dueMs);
    this.#endEarly(job, this.#timeoutError(job, beganMs), 'timeout');
  }

  #endEarly(job: ThreadJob, reason: unknown, answer: Answer): void {
    const { clock, desk, graceMs, onStubborn } = this.#setting;
    const worker = job.worker as JobWorker;
    job.answer = answer;
    job.leave?.();
    job.reject(reason);
    worker.cancel(job);
    if (job.watch !== undefined) desk.alarms.cancel(job.watch);
    job.watch = desk.alarms.set(clock.nowMs() + graceMs(), () => {
      if (worker.hasResults()) desk.collect();
      if (job.worker === worker) onStubborn(worker);
    });
  }

  #timeoutError(job: ThreadJob, beganMs: number): TimeoutError {
    const { name } = this.#setting;
    const { timeoutMs, deadlineAtMs, budgetMs } = job;
    if (beganMs + timeoutMs <= deadlineAtMs) {
      const message = `${name}: ${job.kind.definition.name} was not done within ${timeoutMs} ms`;
      return new TimeoutError(name, message, { timeoutMs });
    }
    const message = `${name}: the deadline passed while the task ran`;
    const cutShort = deadlineAtMs - beganMs < job.kind.costMs;
    return new TimeoutError(name, message, { timeoutMs: budgetMs, cutShort });
  }
}
