import { TimeoutError, type Outcome } from '../core/index.ts';

/** What has become of a call. */
export type Fate = 'completed' | 'failed' | 'ignored' | 'aborted' | 'expired' | 'rejected';

const SUBMITTED = 0;
const COMPLETED = 1;
const FAILED = 2;
const IGNORED = 3;
const ABORTED = 4;
const EXPIRED = 5;
const REJECTED = 6;
const ABANDONED = 7;
const CELLS = 8;

const CELL_OF: Readonly<Record<Fate, number>> = {
  completed: COMPLETED,
  failed: FAILED,
  ignored: IGNORED,
  aborted: ABORTED,
  expired: EXPIRED,
  rejected: REJECTED,
};

/** Counts what came to a pool and what became of it. Each call counts once as submitted, and has one fate. */
export class Tally {
  // In an array: a field that outgrows small integers would allocate at each change.
  readonly #cells = new Float64Array(CELLS);

  submitted(): void {
    this.#cells[SUBMITTED]!++;
  }

  /** The fate of nearly every call, apart for speed. */
  completed(): void {
    this.#cells[COMPLETED]!++;
  }

  count(fate: Fate): void {
    this.#cells[CELL_OF[fate]]!++;
  }

  abandoned(): void {
    this.#cells[ABANDONED]!++;
  }

  read(): Readonly<Record<Fate | 'submitted' | 'abandoned', number>> {
    const cells = this.#cells;
    return {
      submitted: cells[SUBMITTED]!,
      completed: cells[COMPLETED]!,
      failed: cells[FAILED]!,
      ignored: cells[IGNORED]!,
      aborted: cells[ABORTED]!,
      expired: cells[EXPIRED]!,
      rejected: cells[REJECTED]!,
      abandoned: cells[ABANDONED]!,
    };
  }
}

/** The fate of a call whose caller was answered when its task ended. */
export function fateOf(outcome: Outcome): Fate {
  if (outcome === 'success') return 'completed';
  return outcome === 'failure' ? 'failed' : 'ignored';
}

/** The fate of a call that was ended while it waited. The deadline of an outer call is its own, too. */
export function waitingFate(reason: unknown): Fate {
  return reason instanceof TimeoutError ? 'expired' : 'aborted';
}

/** The fate of a call whose caller was answered before its task ended, whatever the task did after that. */
export function toldFate(reason: unknown): Fate {
  return reason instanceof TimeoutError ? 'failed' : 'aborted';
}
