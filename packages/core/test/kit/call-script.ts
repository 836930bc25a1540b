import type { Outcome } from '../../src/core/index.ts';
import { lateFor, overrunAt, refusedBy, thrownBy } from './scripted-gate.ts';
import type { Traits, Verdict, Visit } from './scripted-gate.ts';

/** What the task of a call does. `afterMs` is 0 for what ends in the tick in which it begins. */
export interface TaskScript {
  readonly kind:
    | 'value'
    | 'throw'
    | 'resolve'
    | 'reject'
    | 'thenable'
    | 'thenable-reject'
    | 'bad-then'
    | 'never';
  readonly afterMs: number;
  /** What it throws or rejects with. */
  readonly error: 'plain' | 'refusal' | 'timeout';
}

/** One call, and what its caller does. Offsets count from its start. */
export interface CallScript {
  readonly startMs: number;
  readonly verdicts: readonly Verdict[];
  readonly task: TaskScript;
  /** Below 0: before the call. */
  readonly abortAfterMs: number | undefined;
  readonly deadlineMs: number | undefined;
}

export interface Expected {
  /** Message of the error, or 'value'; undefined for a call that never settles. */
  readonly settled: string | undefined;
  readonly atMs: number;
  /** Whether the task was begun. */
  readonly begun: boolean;
  readonly visits: readonly Visit[];
}

export const ABORTED = 'the caller went away';
export const TOO_LATE = 'chain: the deadline passed before the work began';

/** Text of the error that a task ends with. */
export function taskMessage({ kind, error }: TaskScript): string {
  return kind === 'bad-then' ? 'bad then' : `task: ${error}`;
}

/** What is to become of a call, told from the script alone. */
export function expectedOf(call: number, script: CallScript, gates: readonly Traits[]): Expected {
  const abortMs = script.startMs + (script.abortAfterMs ?? Infinity);
  const deadlineAtMs = script.startMs + (script.deadlineMs ?? Infinity);
  /** When the call last walked on. */
  let atMs = script.startMs;
  const never = (settled: string, endMs: number, entered: number): Expected => ({
    settled,
    atMs: endMs,
    begun: false,
    visits: inside(gates, entered).map((gate) => {
      const durationMs = gates[gate]?.timed ? endMs - atMs : undefined;
      return { call, gate, event: 'ignored', atMs: endMs, durationMs };
    }),
  });
  if (abortMs < atMs) return never(ABORTED, atMs, 0);
  if (deadlineAtMs <= atMs) return never(TOO_LATE, atMs, 0);
  for (let gate = 0; gate < gates.length; gate++) {
    const verdict = script.verdicts[gate] ?? { kind: 'admit' };
    if (verdict.kind === 'admit') continue;
    if (verdict.kind === 'refuse') return never(refusedBy(gate).message, atMs, gate);
    if (verdict.kind === 'throw' || verdict.kind === 'wait-throw') {
      return never(thrownBy(gate, call).message, atMs, gate);
    }
    const admittedMs = verdict.kind === 'wait' ? atMs + verdict.afterMs : Infinity;
    if (abortMs < Math.min(admittedMs, deadlineAtMs)) return never(ABORTED, abortMs, gate);
    if (deadlineAtMs < admittedMs) {
      const watched = gates.slice(0, gate).some(({ endsLate }) => endsLate);
      const reason = watched ? overrunAt(gate) : lateFor(gate);
      return never(reason.message, deadlineAtMs, gate);
    }
    if (admittedMs === Infinity) {
      return { settled: undefined, atMs: Infinity, begun: false, visits: [] };
    }
    if (verdict.kind === 'wait' && verdict.next === 'refuse') {
      return never(refusedBy(gate).message, admittedMs, gate);
    }
    atMs = admittedMs;
  }
  return whileRunning(call, script, gates, { beganMs: atMs, abortMs, deadlineAtMs });
}

function whileRunning(
  call: number,
  { task }: CallScript,
  gates: readonly Traits[],
  times: { beganMs: number; abortMs: number; deadlineAtMs: number },
): Expected {
  const doneMs = task.kind === 'never' ? Infinity : times.beganMs + task.afterMs;
  const overrunMs = gates.some(({ endsLate }) => endsLate) ? times.deadlineAtMs : Infinity;
  const endedMs = Math.min(times.abortMs, overrunMs);
  const works = ['value', 'resolve', 'thenable'].includes(task.kind);
  const order = inside(gates, gates.length);
  const exitAt = (atMs: number, gate: number, standard: Outcome): Visit => {
    const durationMs = gates[gate]?.timed ? atMs - times.beganMs : undefined;
    return { call, gate, event: judged(gates, gate, standard), atMs, durationMs };
  };
  if (endedMs === doneMs) return { settled: undefined, atMs: Infinity, begun: true, visits: [] };
  if (endedMs > doneMs) {
    const refused = task.error === 'refusal' && task.kind !== 'bad-then';
    const standard = works ? 'success' : refused ? 'ignored' : 'failure';
    const visits = order.map((gate) => exitAt(doneMs, gate, standard));
    return { settled: works ? 'value' : taskMessage(task), atMs: doneMs, begun: true, visits };
  }
  const byCaller = times.abortMs < overrunMs;
  const standard = byCaller ? 'ignored' : 'failure';
  const early = order.map((gate): Visit => {
    if (!gates[gate]?.keepsPlace) return exitAt(endedMs, gate, standard);
    return { call, gate, event: 'overdue', atMs: endedMs, durationMs: undefined };
  });
  const kept = doneMs === Infinity ? [] : order.filter((gate) => gates[gate]?.keepsPlace);
  const late = kept.map((gate) => exitAt(doneMs, gate, works ? 'success' : standard));
  const settled = byCaller ? ABORTED : overrunAt(0).message;
  return { settled, atMs: endedMs, begun: true, visits: [...early, ...late] };
}

/** The first `entered` gates, innermost first. */
function inside(gates: readonly Traits[], entered: number): readonly number[] {
  return gates
    .slice(0, entered)
    .map((_, gate) => gate)
    .toReversed();
}

function judged(gates: readonly Traits[], gate: number, standard: Outcome): Outcome {
  const judgement = gates[gate]?.judgement ?? 'standard';
  return judgement === 'standard' || judgement === 'throws' ? standard : judgement;
}
