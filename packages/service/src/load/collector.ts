import { LogLinearHistogram } from '@sluice/core';
import { Answers, type AnswerClass } from './answers.ts';
import { LoadInterval } from './interval.ts';
import { REFUSALS, type StatusRule } from './status-rule.ts';

/** Why a request that was due was not sent: as many as allowed were outstanding, or the run was over. */
export type DropReason = 'in-flight-limit' | 'out-of-time';

export interface CollectorOptions {
  /** Length of the run in ms: the window over which rates are taken. */
  readonly windowMs: number;
  readonly succeeds: StatusRule;
}

/**
 * Everything that a run counts. Told the times, it knows no clock. What is due is either sent or
 * dropped; what is sent is answered, fails, or is unfinished when the run is ended early.
 * O(1) and without allocation per request, but for the first of each status or error.
 */
export class LoadCollector {
  /** How far each send lagged behind the time at which it was due. Empty in a closed loop. */
  readonly lateMs: LogLinearHistogram = new LogLinearHistogram();
  readonly statuses: Map<number, number> = new Map();
  readonly errors: Map<string, number> = new Map();
  readonly answers: Readonly<Record<AnswerClass, Answers>>;
  readonly dropped: Record<DropReason, number> = { 'in-flight-limit': 0, 'out-of-time': 0 };
  readonly #succeeds: StatusRule;
  #interval = new LoadInterval();
  #sent = 0;
  #unfinished = 0;

  constructor({ windowMs, succeeds }: CollectorOptions) {
    this.#succeeds = succeeds;
    this.answers = {
      success: new Answers(windowMs),
      refusal: new Answers(windowMs),
      other: new Answers(windowMs),
    };
  }

  get sent(): number {
    return this.#sent;
  }

  /** Requests that were due. */
  get offered(): number {
    return this.#sent + this.dropped['in-flight-limit'] + this.dropped['out-of-time'];
  }

  /** Requests without an answer when the run was ended early. */
  get unfinished(): number {
    return this.#unfinished;
  }

  /** A request went out, `lateMs` after it was due; no `lateMs` where nothing is ever due. */
  addSent(lateMs?: number): void {
    this.#sent += 1;
    this.#interval.offered += 1;
    if (lateMs === undefined) return;
    this.lateMs.record(lateMs);
    this.#interval.lateMs = Math.max(this.#interval.lateMs, lateMs);
  }

  addDropped(reason: DropReason, count = 1): void {
    this.dropped[reason] += count;
    this.#interval.offered += count;
    this.#interval.dropped += count;
  }

  /** A whole answer came, `latencyMs` after its request was due. */
  addAnswer(status: number, latencyMs: number, atMs: number): void {
    const answerClass = this.#classOf(status);
    this.answers[answerClass].add(latencyMs, atMs);
    addOne(this.statuses, status);
    this.#interval.addAnswer(status, answerClass, latencyMs);
  }

  /** No whole answer came: `kind` says why. */
  addError(kind: string): void {
    addOne(this.errors, kind);
    this.#interval.errors += 1;
  }

  addUnfinished(count: number): void {
    this.#unfinished += count;
  }

  /** What was counted since this was last asked. */
  takeInterval(): LoadInterval {
    const interval = this.#interval;
    this.#interval = new LoadInterval();
    return interval;
  }

  #classOf(status: number): AnswerClass {
    if (this.#succeeds(status)) return 'success';
    return REFUSALS.includes(status) ? 'refusal' : 'other';
  }
}

function addOne<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
