import { getEventListeners } from 'node:events';
import {
  RateLimitedError,
  ShedError,
  type CallContext,
  type ExecuteOptions,
  type TaskContext,
} from '../../src/index.ts';
import type { WholeRow } from './whole-row.ts';

/** What one try of a call does. */
export interface TryScript {
  /** `late` and `hang` do not heed their signal, `heed` does nothing else. */
  readonly does: 'return' | 'throw' | 'succeed' | 'fail' | 'hang' | 'late' | 'heed' | 'refuse';
  readonly afterMs: number;
}

/** One call, and what its caller does. Offsets count from its start. */
export interface RowCall {
  /** The last one stands for all that come after it. */
  readonly tries: readonly TryScript[];
  /** Below 0: before the call. */
  readonly abortAfterMs: number | undefined;
  readonly deadlineMs: number | undefined;
  readonly readsSignal: boolean;
}

/** What became of one call. */
export interface RowResult {
  readonly call: RowCall;
  readonly startMs: number;
  readonly signal: AbortSignal | undefined;
  readonly contexts: CallContext[];
  /** Tries under way. */
  readonly running: Set<CallContext>;
  settled: number;
  settledMs: number;
  abortedMs: number;
  value?: unknown;
  error?: unknown;
}

/** What callers abort with. */
export const GONE = 'the caller went away';
/** The longest time that a late task takes. */
export const LATE_MS = 300;

/** Sends calls through a row of policies, and notes whatever none of them may do. */
export class RowCalls {
  readonly mistakes: string[] = [];
  readonly #row: WholeRow;

  constructor(row: WholeRow) {
    this.#row = row;
  }

  /** @param shared a signal that outlives the call, for a caller that has many. */
  start(call: RowCall, shared?: AbortSignal): RowResult {
    const { clock, pipeline } = this.#row;
    const controller = call.abortAfterMs === undefined ? undefined : new AbortController();
    const result: RowResult = {
      call,
      startMs: clock.nowMs(),
      signal: controller?.signal ?? shared,
      contexts: [],
      running: new Set(),
      settled: 0,
      settledMs: Infinity,
      abortedMs: Infinity,
    };
    if (controller) this.#abortLater(controller, result);
    pipeline
      .execute((context) => this.#perform(result, context), optionsOf(result))
      .then(
        (value: unknown) => this.#settle(result, { value }),
        (error: unknown) => this.#settle(result, { error }),
      );
    return result;
  }

  #abortLater(controller: AbortController, result: RowResult): void {
    const { clock } = this.#row;
    const { abortAfterMs = 0 } = result.call;
    const abort = (): void => {
      result.abortedMs = clock.nowMs();
      controller.abort(GONE);
    };
    if (abortAfterMs < 0) abort();
    else clock.schedule(abortAfterMs, abort);
  }

  #settle(result: RowResult, outcome: { value: unknown } | { error: unknown }): void {
    Object.assign(result, outcome);
    result.settled++;
    result.settledMs = this.#row.clock.nowMs();
    // A signal that calls share has the listeners of those that are still under way.
    if (result.abortedMs === Infinity && result.call.abortAfterMs === undefined) return;
    const left = result.signal ? getEventListeners(result.signal, 'abort').length : 0;
    if (left > 0) this.mistakes.push(`a call left ${left} listeners`);
  }

  #perform(result: RowResult, context: TaskContext): unknown {
    const { tries, readsSignal } = result.call;
    const own = context as CallContext;
    if (result.settled > 0) this.mistakes.push('a try began after its caller had been answered');
    if ([...result.running].some(({ aborted }) => !aborted)) {
      this.mistakes.push('a try began beside one that had not been given up');
    }
    // A try that was refused on its way counts, too.
    const before = result.contexts.at(-1)?.attempt ?? 0;
    if (context.attempt <= before) this.mistakes.push('a try has the number of one before');
    result.contexts.push(own);
    const script = tries[Math.min(context.attempt, tries.length) - 1] as TryScript;
    if (readsSignal && context.signal.aborted) this.mistakes.push('a try began aborted');
    const { does, afterMs } = script;
    if (does === 'return') return does;
    if (does === 'throw') throw new Error(does);
    if (does === 'refuse') {
      throw afterMs % 2 === 0
        ? new RateLimitedError('inner', 'busy', afterMs)
        : new ShedError('inner', 'shed');
    }
    result.running.add(own);
    const over = (): void => void result.running.delete(own);
    return this.#work(script, own).finally(over);
  }

  #work({ does, afterMs }: TryScript, context: CallContext): Promise<string> {
    const { clock } = this.#row;
    return new Promise((resolve, reject) => {
      if (does === 'heed') context.onAbort(reject);
      if (does === 'succeed') clock.schedule(afterMs, () => resolve(does));
      if (does === 'fail') clock.schedule(afterMs, () => reject(new Error(does)));
      if (does === 'late') clock.schedule(LATE_MS, () => resolve(does));
    });
  }
}

/** Nothing where nothing is wanted, as most callers do. */
function optionsOf({ call: { deadlineMs }, signal }: RowResult): ExecuteOptions | undefined {
  if (deadlineMs === undefined && signal === undefined) return undefined;
  return {
    ...(signal === undefined ? {} : { signal }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  };
}
