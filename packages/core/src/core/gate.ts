import type { RejectedError } from './errors.ts';
import type { CallContext, ExecuteOptions } from './call-context.ts';

/** What became of a call, as a policy sees it. */
export type Outcome = 'success' | 'failure' | 'ignored';

/**
 * Judges a settled call: `error` is undefined when it returned `value`; `standard` is what it would
 * count as otherwise, see {@link outcomeOf}.
 */
export type Classify = (error: unknown, value: unknown, standard: Outcome) => Outcome;

/**
 * What every policy's algorithm offers: may this call go in, and what became of it. Synchronous, told
 * the time, starts nothing. The one driver of all gates is {@link GateChain}; a simulator may drive
 * them without any promise.
 */
export interface Gate {
  /**
   * Whether `enter` uses the time. While false it may be told NaN for `nowMs`, which saves a clock read a
   * call. A getter may change its mind at any time; a field is read once.
   */
  readonly timed: boolean;

  /** The same for the `exit` of a call that goes well. @default timed */
  readonly timedExit?: boolean;

  /** Own judgement of results; see {@link outcomeOf} for the one that stands otherwise. */
  readonly classify?: Classify | undefined;

  /**
   * Asks to let a call in.
   * - At or below 0: it is in, and the number is its ticket, to be handed to `exit`. Whatever a call
   *   must remember (a breaker's generation, a pool's lane) travels in it.
   * - Above 0: refused; the ms until it may be let in, Infinity when that is never or unknown.
   * - {@link MUST_WAIT}, from a {@link WaitingGate} only.
   *
   * @param cost how many permits the call takes. @default 1
   */
  enter(nowMs: number, cost?: number, options?: ExecuteOptions): number;

  /**
   * What `enter` would answer, without taking anything or counting a refusal: so that a call can be
   * refused before dear work is done for it, such as reading its body. Absent where it cannot be told.
   */
  peek?(nowMs: number, cost?: number, options?: ExecuteOptions): number;

  /**
   * Gives back the place of a call that was let in. Called exactly once for each ticket; 'ignored'
   * also when a gate further in refused the call. `durationMs` leaves out what the call waited at gates
   * further in; it is NaN if the gate was not timed at entry.
   */
  exit(ticket: number, outcome: Outcome, nowMs: number, durationMs: number): void;

  /** The error for a refusal that `enter` answered with `waitMs`. */
  refuse(waitMs: number): RejectedError;

  /**
   * The caller was answered early (abort, deadline) while the work goes on; `outcome` is what the call
   * counts as. Keeps the call's place, and answers the ticket that is handed to `exit` when the work really
   * ends. NaN, or without this method: `exit` is called at once.
   */
  overdue?(ticket: number, nowMs: number, outcome: Outcome): number;
}

/** What `enter` of a {@link WaitingGate} answers when the call may wait for a place. */
export const MUST_WAIT: number = Number.NaN;

/** A gate with a queue. */
export interface WaitingGate extends Gate {
  /**
   * Waits for a place, after `enter` answered {@link MUST_WAIT} for this very call. Resolves with the
   * ticket; rejects with a refusal, or with `context.reason` as soon as the context is aborted.
   */
  wait(context: CallContext): Promise<number>;
}
