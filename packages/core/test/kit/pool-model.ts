import type { StopResult } from '../../src/index.ts';

/*
 * A worker pool that has no promise, no timer and no data structure: whatever is done
 * to the pool and to it, in whatever order, they agree after every step. Times are chosen so that deadlines fall on
 * whole milliseconds, the end of a stop on halves, and all that follows from n ends of patience on n / 64
 * with n below 32: never two at once whose order would count.
 */

export const ABANDON_AFTER_MS: number = 9 + 1 / 64;

/** How a task goes: some are over when they begin, some end when told, some never. */
const INSTANT = { value: 'completed', throws: 'failed', rejects: 'failed', refuses: 'ignored' };
export const tasks = [...Object.keys(INSTANT), 'promise', 'thenable', 'heeds its signal', 'never'];

export interface Plan {
  readonly way: 'submit' | 'trySubmit' | 'execute';
  readonly task: string;
  readonly abortable: boolean;
  readonly abortedBefore: boolean;
  readonly deadlineMs: number | undefined;
  readonly timeoutMs: number | undefined;
}

export type Reject = 'queued' | 'all' | undefined;

type Counted = 'completed' | 'failed' | 'ignored' | 'aborted' | 'expired' | 'rejected';

/** A call as the model sees it. */
export interface Call extends Plan {
  readonly id: number;
  readonly deadlineAtMs: number;
  state: 'waiting' | 'running' | 'overdue' | 'gone';
  endable: boolean;
  answer: string | undefined;
  /** What an overdue call will count as, and when its lane is taken from it. */
  judged: Counted;
  endAtMs: number;
  abandonAtMs: number;
}

export class Model {
  nowMs = 0;
  size = 1;
  queue = 0;
  readonly calls: Call[] = [];
  waiting: Call[] = [];
  lanes: Call[] = [];
  readonly started: number[] = [];
  submitted = 0;
  readonly counts = { completed: 0, failed: 0, ignored: 0, aborted: 0, expired: 0, rejected: 0 };
  abandoned = 0;
  isPaused = false;
  readonly drains: boolean[] = [];
  stopAtMs: number | undefined;
  stopped: StopResult | undefined;
  #refused = 0;

  call(plan: Plan): void {
    const { way, deadlineMs = Infinity } = plan;
    const call: Call = {
      ...plan,
      id: this.calls.length,
      deadlineAtMs: this.nowMs + deadlineMs,
      state: 'gone',
      endable: way !== 'execute' || plan.abortable || deadlineMs < Infinity,
      answer: undefined,
      judged: 'completed',
      endAtMs: Infinity,
      abandonAtMs: Infinity,
    };
    this.calls.push(call);
    const hasLane = !this.isPaused && this.lanes.length < this.size && this.waiting.length === 0;
    const hasPlace = this.stopAtMs === undefined && (hasLane || this.waiting.length < this.queue);
    if (way === 'trySubmit' && !hasPlace) {
      call.answer = 'nothing';
    } else if (plan.abortedBefore) {
      call.answer = `reason ${call.id}`;
      return; // Such a call never comes as far as the pool.
    } else if (deadlineMs <= 0) {
      call.answer = 'DeadlineExceededError';
      return;
    } else if (!hasPlace) {
      call.answer = this.stopAtMs === undefined ? 'QueueFullError' : 'PoolStoppedError';
    }
    this.submitted++;
    if (!hasPlace) this.counts.rejected++;
    else if (hasLane) this.#start(call);
    else this.#enqueue(call);
  }

  /** The task of a call ends, by itself. */
  finish(call: Call, isOk: boolean): void {
    if (call.state === 'running') {
      call.answer = isOk ? `value ${call.id}` : `error ${call.id}`;
      this.#leaveLane(call, isOk ? 'completed' : 'failed');
    } else if (call.state === 'overdue') {
      this.#leaveLane(call, call.judged);
    }
  }

  abort(call: Call): void {
    if (call.state === 'waiting') {
      this.#refuse(call, `reason ${call.id}`, 'aborted');
      this.#noticeIdle();
    } else if (call.state === 'running') this.#answerEarly([call], `reason ${call.id}`, 'aborted');
  }

  update(changes: { readonly size?: number; readonly queue?: number }): void {
    Object.assign(this, changes);
    this.#dispatch();
  }

  drain(): void {
    this.drains.push(this.#isIdle);
  }

  pause(isPaused: boolean): void {
    if (this.stopAtMs === undefined) this.isPaused = isPaused;
    this.#dispatch();
  }

  stop(timeoutMs: number, reject: Reject): void {
    if (this.stopped !== undefined) return;
    this.stopAtMs ??= this.nowMs + timeoutMs;
    if (reject !== undefined) this.#refuseWaiting();
    this.isPaused = false;
    this.#dispatch();
    if (reject === 'all') this.#endAll();
    else this.#noticeIdle();
  }

  advance(byMs: number): void {
    const endMs = this.nowMs + byMs;
    for (let nextMs = this.#nextMs(); nextMs <= endMs; nextMs = this.#nextMs()) {
      this.nowMs = nextMs;
      for (const call of this.waiting.filter((c) => c.deadlineAtMs === nextMs)) {
        this.#refuse(call, 'DeadlineExceededError', 'expired');
      }
      this.#noticeIdle();
      const late = this.lanes.filter((c) => c.state === 'running' && c.endAtMs === nextMs);
      this.#answerEarly(late, 'TimeoutError', 'failed');
      for (const call of this.lanes.filter((c) => c.abandonAtMs === nextMs)) {
        this.abandoned++;
        this.#leaveLane(call, call.judged);
      }
      if (this.stopAtMs === nextMs && this.stopped === undefined) this.#endAll();
    }
    this.nowMs = endMs;
  }

  #nextMs(): number {
    const deadlines = this.waiting.map((c) => c.deadlineAtMs);
    const alarms = this.lanes.map((c) =>
      c.state === 'overdue' ? c.abandonAtMs : c.endable ? c.endAtMs : Infinity,
    );
    const stop = this.stopped === undefined ? (this.stopAtMs ?? Infinity) : Infinity;
    return Math.min(...deadlines, ...alarms, stop);
  }

  #enqueue(call: Call): void {
    call.state = 'waiting';
    call.endable = true;
    this.waiting.push(call);
  }

  #start(call: Call): void {
    this.started.push(call.id);
    call.state = 'running';
    call.endAtMs = Math.min(call.deadlineAtMs, this.nowMs + (call.timeoutMs ?? Infinity));
    this.lanes.push(call);
    const end = INSTANT[call.task as keyof typeof INSTANT] as Counted | undefined;
    if (end === undefined) return;
    call.answer = end === 'completed' ? `value ${call.id}` : `error ${call.id}`;
    this.#leaveLane(call, end);
  }

  #refuse(call: Call, answer: string, counted: Counted): void {
    this.waiting = this.waiting.filter((other) => other !== call);
    call.state = 'gone';
    call.answer = answer;
    this.counts[counted]++;
  }

  #refuseWaiting(): void {
    this.#refused += this.waiting.length;
    for (const call of this.waiting) this.#refuse(call, 'PoolStoppedError', 'rejected');
  }

  #answerEarly(calls: readonly Call[], answer: string, judged: Counted): void {
    for (const call of calls) {
      call.state = 'overdue';
      call.answer = answer;
      call.judged = judged;
      call.abandonAtMs = this.nowMs + ABANDON_AFTER_MS;
    }
    for (const call of calls) if (call.task === 'heeds its signal') this.#leaveLane(call, judged);
  }

  #leaveLane(call: Call, counted: Counted): void {
    this.lanes = this.lanes.filter((other) => other !== call);
    call.state = 'gone';
    this.counts[counted]++;
    this.#dispatch();
    this.#noticeIdle();
  }

  #dispatch(): void {
    while (this.lanes.length < this.size && !this.isPaused) {
      const call = this.waiting.shift();
      if (call === undefined) return;
      this.#start(call);
    }
  }

  get #isIdle(): boolean {
    return this.lanes.length === 0 && this.waiting.length === 0;
  }

  #noticeIdle(): void {
    if (!this.#isIdle) return;
    this.drains.fill(true);
    if (this.stopAtMs !== undefined) {
      this.stopped ??= { refused: this.#refused, ended: 0, running: 0 };
    }
  }

  #endAll(): void {
    this.#refuseWaiting();
    const refused = this.#refused;
    const ending = this.lanes.filter((c) => c.endable && c.state === 'running');
    this.stopped = { refused, ended: ending.length, running: 0 };
    this.#answerEarly(ending, 'TimeoutError', 'failed');
    this.stopped = { ...this.stopped, running: this.lanes.length };
    const left = this.lanes.filter((c) => c.state === 'overdue');
    this.abandoned += left.length;
    for (const call of left) this.#leaveLane(call, call.judged);
    this.#noticeIdle();
  }
}
