import type { CallContext } from './call-context.ts';
import type { Clock } from './clock.ts';
import { RejectedError, TimeoutError } from './errors.ts';
import type { Gate, Outcome } from './gate.ts';
import { warn } from './warn.ts';

/** Gates in a row, outermost first, and the clock that they share. */
export interface Gates {
  readonly name: string;
  readonly clock: Clock;
  readonly gates: readonly Gate[];
  /** Whether the `exit` of some gate always uses the time. */
  readonly timesExit: boolean;
  /** Which gates may have a judgement of their own. */
  readonly judges: readonly boolean[];
}

/** What a task settled with: `error` is undefined when it returned `value`. */
export interface Settled {
  readonly standard: Outcome;
  readonly error?: unknown;
  readonly value?: unknown;
}

/**
 * How a failed call is judged unless the gate has a judgement of its own: refusals from further in and
 * aborts by the caller say nothing about the thing behind the gate, so they are ignored.
 */
export function outcomeOf(error: unknown, context?: CallContext): Outcome {
  if (context?.aborted) return ofEnding(context.reason);
  return error instanceof RejectedError ? 'ignored' : 'failure';
}

/** A timeout counts, unless the call had spent its time waiting; an abort by the caller does not. */
function ofEnding(reason: unknown): Outcome {
  return reason instanceof TimeoutError && !reason.cutShort ? 'failure' : 'ignored';
}

/**
 * Leaves the first `entered` gates, innermost first. `record` holds their tickets, then the time of
 * entry; `settled` is undefined for a call that never began. Reads the clock at most once, and only
 * for a gate that wants the time or for what did not go well. A gate that throws is reported, and keeps
 * neither the gates further out nor the caller waiting.
 */
export function leaveGates(
  chain: Gates,
  record: Float64Array,
  entered: number,
  settled: Settled | undefined,
): void {
  const { gates, clock } = chain;
  const startMs = record[gates.length] as number;
  let nowMs = Number.NaN;
  for (let i = entered - 1; i >= 0; i--) {
    const gate = gates[i] as Gate;
    const outcome = settled === undefined ? 'ignored' : judged(gate, settled);
    if (Number.isNaN(nowMs) && (outcome !== 'success' || timesExit(gate))) nowMs = clock.nowMs();
    try {
      gate.exit(record[i] as number, outcome, nowMs, nowMs - startMs);
    } catch (mistake) {
      warn(mistake);
    }
  }
}

/**
 * The same for all gates of a call that went well. Apart, because it is the way that nearly every call
 * takes: nothing is allocated on it.
 */
export function leaveWell(chain: Gates, record: Float64Array, value: unknown): void {
  const { gates, clock } = chain;
  const startMs = record[gates.length] as number;
  let nowMs = chain.timesExit ? clock.nowMs() : Number.NaN;
  let durationMs = nowMs - startMs;
  for (let i = gates.length - 1; i >= 0; i--) {
    const gate = gates[i] as Gate;
    const isJudge = chain.judges[i] === true && gate.classify !== undefined;
    const outcome = isJudge ? judged(gate, { standard: 'success', value }) : 'success';
    if (Number.isNaN(nowMs) && (outcome !== 'success' || timesExit(gate))) {
      nowMs = clock.nowMs();
      durationMs = nowMs - startMs;
    }
    try {
      gate.exit(record[i] as number, outcome, nowMs, durationMs);
    } catch (mistake) {
      warn(mistake);
    }
  }
}

/** Whether the gate uses the time of a call that goes well. */
function timesExit(gate: Gate): boolean {
  return gate.timedExit ?? gate.timed;
}

/** The gate's own judgement, where it has one. One that throws is reported, and does not count. */
export function judged(gate: Gate, { standard, error, value }: Settled): Outcome {
  if (gate.classify === undefined) return standard;
  try {
    return gate.classify(error, value, standard);
  } catch (mistake) {
    warn(mistake);
    return standard;
  }
}

export function isThenable<T>(value: PromiseLike<T> | T): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | undefined)?.then === 'function';
}
