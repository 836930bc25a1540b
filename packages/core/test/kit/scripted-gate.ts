import {
  CallContext,
  DeadlineExceededError,
  MUST_WAIT,
  ShedError,
  TimeoutError,
  type Classify,
  type ExecuteOptions,
  type Outcome,
  type RejectedError,
  type WaitingGate,
} from '../../src/core/index.ts';
import { ManualClock } from '../../src/testing/index.ts';

/** How a gate is made. */
export interface Traits {
  readonly timed: boolean;
  /** Keeps the place of a call that was answered early, until its work ends. */
  readonly keepsPlace: boolean;
  /** Ends a call that runs past its deadline, as a pool does. */
  readonly endsLate: boolean;
  readonly judgement: 'standard' | 'throws' | Outcome;
}

/** What a gate answers to one call. */
export type Verdict =
  | { readonly kind: 'admit' | 'refuse' | 'throw' | 'wait-forever' | 'wait-throw' }
  | { readonly kind: 'wait'; readonly afterMs: number; readonly next: 'admit' | 'refuse' };

/** What a gate was told about a call that it had let in. */
export interface Visit {
  readonly call: number;
  readonly gate: number;
  readonly event: Outcome | 'overdue';
  readonly atMs: number;
  /** How long the work took, as told to a timed gate. */
  readonly durationMs: number | undefined;
}

interface Ticket {
  readonly call: number;
  readonly cancelAlarm: () => void;
}

/** What the gates of one run share: the clock, the scripts of the calls, and the record of what happened. */
export class Stage {
  readonly clock = new ManualClock();
  readonly visits: Visit[] = [];
  /** What the driver of the gates did wrong. */
  readonly mistakes: string[] = [];
  /** The call that is being started. */
  starting = 0;
  /** What each gate answers, by call and gate. */
  readonly verdicts: readonly (readonly Verdict[])[];
  readonly #calls = new WeakMap<CallContext, number>();

  constructor(verdicts: readonly (readonly Verdict[])[]) {
    this.verdicts = verdicts;
  }

  /** A call without a context meets its gates while it is being started. */
  callOf(options: ExecuteOptions | undefined): number {
    if (!(options instanceof CallContext)) return this.starting;
    const known = this.#calls.get(options) ?? this.starting;
    this.#calls.set(options, known);
    return known;
  }
}

/** A gate that does as its script says, and records what it is told. */
export class ScriptedGate implements WaitingGate {
  readonly timed: boolean;
  readonly classify: Classify | undefined;
  readonly overdue?: (ticket: number, nowMs: number) => number;
  readonly #stage: Stage;
  readonly #index: number;
  readonly #traits: Traits;
  readonly #inside = new Map<number, Ticket>();
  #nextTicket = 0;

  constructor(stage: Stage, index: number, traits: Traits) {
    this.#stage = stage;
    this.#index = index;
    this.#traits = traits;
    this.timed = traits.timed;
    this.classify = classifyAs(traits.judgement);
    if (traits.keepsPlace) this.overdue = (ticket, nowMs) => this.#overdue(ticket, nowMs);
  }

  /** Calls that were let in and have not left. */
  get inside(): readonly number[] {
    return [...this.#inside.values()].map(({ call }) => call);
  }

  enter(nowMs: number, _cost?: number, options?: ExecuteOptions): number {
    const call = this.#stage.callOf(options);
    if (this.timed) this.#requireNow('enter', nowMs);
    const verdict = this.#verdictFor(call);
    if (verdict.kind === 'throw') throw thrownBy(this.#index, call);
    if (verdict.kind === 'refuse') return 1 + this.#index;
    if (verdict.kind !== 'admit') return MUST_WAIT;
    return this.#admit(call, options);
  }

  wait(context: CallContext): Promise<number> {
    const { clock } = this.#stage;
    const call = this.#stage.callOf(context);
    const verdict = this.#verdictFor(call);
    if (verdict.kind === 'wait-throw') throw thrownBy(this.#index, call);
    return new Promise((resolve, reject) => {
      const cancelAlarm = this.#alarm(context, () => lateFor(this.#index));
      const onAbort = (reason: unknown): void => leave(() => reject(reason));
      const leave = (settle: () => void): void => {
        cancelAlarm();
        context.offAbort(onAbort);
        settle();
      };
      context.onAbort(onAbort);
      if (verdict.kind !== 'wait') return;
      clock.schedule(verdict.afterMs, () =>
        leave(() => {
          if (context.aborted) return;
          if (verdict.next === 'refuse') reject(refusedBy(this.#index));
          else resolve(this.#admit(call, context));
        }),
      );
    });
  }

  exit(ticket: number, outcome: Outcome, nowMs: number, durationMs: number): void {
    const known = this.#inside.get(ticket);
    if (known === undefined) {
      this.#stage.mistakes.push(
        `gate ${this.#index} never let in ticket ${ticket}, or it has left`,
      );
      return;
    }
    if (this.timed || outcome !== 'success') this.#requireNow('exit', nowMs);
    known.cancelAlarm();
    this.#inside.delete(ticket);
    this.#record(known.call, outcome, this.timed ? durationMs : undefined);
  }

  refuse(): RejectedError {
    return refusedBy(this.#index);
  }

  #overdue(ticket: number, nowMs: number): number {
    this.#requireNow('overdue', nowMs);
    const known = this.#inside.get(ticket);
    if (known === undefined) this.#stage.mistakes.push(`overdue without a place: ${ticket}`);
    else this.#record(known.call, 'overdue');
    return ticket;
  }

  #verdictFor(call: number): Verdict {
    return this.#stage.verdicts[call]?.[this.#index] ?? { kind: 'admit' };
  }

  #admit(call: number, options: ExecuteOptions | undefined): number {
    const ticket = 0 - this.#nextTicket++;
    const cancelAlarm =
      this.#traits.endsLate && options instanceof CallContext
        ? this.#alarm(options, () => overrunAt(this.#index))
        : () => undefined;
    this.#inside.set(ticket, { call, cancelAlarm });
    return ticket;
  }

  #alarm(context: CallContext, reason: () => Error): () => void {
    const { clock } = this.#stage;
    if (context.deadlineAtMs === Infinity) return () => undefined;
    return clock.schedule(context.deadlineAtMs - clock.nowMs(), () => context.abort(reason()));
  }

  #record(call: number, event: Visit['event'], durationMs?: number): void {
    const atMs = this.#stage.clock.nowMs();
    this.#stage.visits.push({ call, gate: this.#index, event, atMs, durationMs });
  }

  #requireNow(what: string, nowMs: number): void {
    const { clock, mistakes } = this.#stage;
    if (nowMs === clock.nowMs()) return;
    mistakes.push(`${what} of gate ${this.#index} was told ${nowMs} at ${clock.nowMs()}`);
  }
}

export const refusedBy = (gate: number): ShedError => new ShedError(`gate ${gate}`, 'refused', 1);

export const lateFor = (gate: number): DeadlineExceededError =>
  new DeadlineExceededError(`gate ${gate}`, 'late');

export const overrunAt = (gate: number): TimeoutError =>
  new TimeoutError(`gate ${gate}`, 'overrun', { timeoutMs: 0 });

export const thrownBy = (gate: number, call: number): Error =>
  new Error(`gate ${gate} threw for call ${call}`);

function classifyAs(judgement: Traits['judgement']): Classify | undefined {
  if (judgement === 'standard') return undefined;
  return () => {
    if (judgement === 'throws') throw new Error('a judgement that throws');
    return judgement;
  };
}
