import type { CallContext } from './call-context.ts';
import type { Clock } from './clock.ts';
import { RejectedError, TimeoutError } from './errors.ts';
import type { Gate, Outcome } from './gate.ts';
import { shown } from './options.ts';
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
 *
 * @param ranMs how long the work ran that was ended early, in ms. @default NaN: not known
 */
export function outcomeOf(error: unknown, context?: CallContext, ranMs: number = NaN): Outcome {
  if (context?.aborted) return ofEnding(context.reason, ranMs);
  return error instanceof RejectedError ? 'ignored' : 'failure';
}

/**
 * A timeout counts, unless the call had spent its time elsewhere: waiting, or on tries before this one. So
 * it does when the work had at least half of it. An abort by the caller does not count.
 */
function ofEnding(reason: unknown, ranMs: number): Outcome {
  if (!(reason instanceof TimeoutError) || reason.cutShort) return 'ignored';
  return ranMs < reason.timeoutMs / 2 ? 'ignored' : 'failure';
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

/** Gates whose `classify` has been complained of. */
const complainedOf = new WeakSet<Gate>();

function warnOnce(gate: Gate, message: string): void {
  if (complainedOf.has(gate)) return;
  complainedOf.add(gate);
  warn(message);
}

/** Whether the gate uses the time of a call that goes well. */
function timesExit(gate: Gate): boolean {
  return gate.timedExit ?? gate.timed;
}

/** The gate's own judgement, where it has one. One that throws is reported, and does not count. */
export function judged(gate: Gate, { standard, error, value }: Settled): Outcome {
  if (gate.classify === undefined) return standard;
  try {
    const outcome: unknown = gate.classify(error, value, standard);
    if (outcome === 'success' || outcome === 'failure' || outcome === 'ignored') return outcome;
    warnOnce(gate, `classify must answer 'success', 'failure' or 'ignored', got ${shown(outcome)}`);
    return standard;
  } catch (mistake) {
    warn(mistake);
    return standard;
  }
}
