import { TimeoutError, type CallContext } from '../core/index.ts';
import type { Alarm, Alarms } from '../collections/index.ts';

interface RunningCall {
  readonly context: CallContext;
  readonly startMs: number;
  /** Its deadline while its caller waits, the end of patience with its task after that. */
  alarm: Alarm | undefined;
}

/**
 * The running calls that can be ended early, by ticket. Each ends at its deadline; a task that goes on
 * after that is waited for, but not for ever. O(1) a call, O(log n) for one with a deadline.
 */
export class RunningCalls {
  readonly #name: string;
  readonly #alarms: Alarms;
  readonly #calls = new Map<number, RunningCall>();
  // Never used twice: a task may end long after it was given up.
  #lastTicket = 0;
  #usualMs = 0;

  constructor(name: string, alarms: Alarms) {
    this.#name = name;
    this.#alarms = alarms;
  }

  /** Ends the call with TimeoutError at its deadline. Returns its ticket, below 0. */
  add(context: CallContext, startMs: number): number {
    const { deadlineAtMs } = context;
    const call: RunningCall = { context, startMs, alarm: undefined };
    if (deadlineAtMs < Infinity) {
      call.alarm = this.#alarms.set(deadlineAtMs, () => context.abort(this.#timeoutError(call)));
    }
    const ticket = --this.#lastTicket;
    this.#calls.set(ticket, call);
    return ticket;
  }

  /** Learns how long a task takes that is done: a moving average over about the last eight. */
  learn(durationMs: number): void {
    this.#usualMs += (durationMs - this.#usualMs) / (this.#usualMs === 0 ? 1 : 8);
  }

  /** Forgets a call whose task has ended. Undefined when its task was given up before. */
  remove(ticket: number): CallContext | undefined {
    const call = this.#calls.get(ticket);
    if (call === undefined) return undefined;
    if (call.alarm) this.#alarms.cancel(call.alarm);
    this.#calls.delete(ticket);
    return call.context;
  }

  /** Forgets a call whose caller was answered, and calls `giveUp`, unless its task ends by `untilMs`. */
  waitFor(ticket: number, untilMs: number, giveUp: () => void): void {
    const call = this.#calls.get(ticket);
    if (call === undefined) return;
    if (call.alarm) this.#alarms.cancel(call.alarm);
    call.alarm = this.#alarms.set(untilMs, () => {
      this.#calls.delete(ticket);
      giveUp();
    });
  }

  /** Answers all callers that still wait with TimeoutError. Returns how many. */
  endAll(message: string, timeoutMs: number): number {
    const contexts = [...this.#calls.values()].map(({ context }) => context);
    const waiting = contexts.filter(({ aborted }) => !aborted);
    for (const context of waiting)
      context.abort(new TimeoutError(this.#name, message, { timeoutMs }));
    return waiting.length;
  }

  /** Forgets all calls, and cancels what was to happen to them. Returns how many. */
  clear(): number {
    const { size } = this.#calls;
    for (const ticket of this.#calls.keys()) this.remove(ticket);
    return size;
  }

  #timeoutError({ context, startMs }: RunningCall): TimeoutError {
    const message = `${this.#name}: the deadline passed while the task ran`;
    const cutShort = context.deadlineAtMs - startMs < this.#usualMs;
    return new TimeoutError(this.#name, message, { timeoutMs: context.budgetMs, cutShort });
  }
}
