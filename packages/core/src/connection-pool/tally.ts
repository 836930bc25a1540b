import { LogLinearHistogram } from '../collections/index.ts';
import type { ConnectionPoolStats, DestroyReason } from './stats.ts';

const REASONS: readonly DestroyReason[] = [
  'closed',
  'unhealthy',
  'idle',
  'lifetime',
  'uses',
  'reset',
  'error',
  'caller',
  'shrunk',
  'evicted',
  'late',
  'stopped',
];

const COUNTS = [
  'acquired',
  'timedOut',
  'aborted',
  'refused',
  'created',
  'createFailed',
  'leaks',
  'hookFailures',
] as const;

type Count = (typeof COUNTS)[number];

const ACQUIRED = COUNTS.indexOf('acquired');

/** What a pool counts, and how long things took. */
export class Tally {
  // In arrays: a field that outgrows small integers would allocate at each change.
  readonly #counts = new Float64Array(COUNTS.length);
  readonly #destroyed = new Float64Array(REASONS.length);
  readonly #waits = new LogLinearHistogram();
  /** Calls that waited for nothing, which need no look at the histogram. */
  #unwaiting = 0;
  readonly uses: LogLinearHistogram = new LogLinearHistogram();
  readonly creates: LogLinearHistogram = new LogLinearHistogram();

  get waits(): LogLinearHistogram {
    this.#waits.recordMany(0, this.#unwaiting);
    this.#unwaiting = 0;
    return this.#waits;
  }

  count(count: Count): void {
    this.#counts[COUNTS.indexOf(count)]!++;
  }

  destroyed(reason: DestroyReason): void {
    this.#destroyed[REASONS.indexOf(reason)]!++;
  }

  acquiredAtOnce(): void {
    this.#counts[ACQUIRED]!++;
    this.#unwaiting++;
  }

  acquiredAfter(waitMs: number): void {
    this.#counts[ACQUIRED]!++;
    this.#waits.record(Math.max(0, waitMs));
  }

  read(): Pick<ConnectionPoolStats, Count | 'destroyed'> {
    const counts = Object.fromEntries(COUNTS.map((name, cell) => [name, this.#counts[cell]]));
    const destroyed = Object.fromEntries(
      REASONS.map((name, cell) => [name, this.#destroyed[cell]]),
    );
    return { ...counts, destroyed } as unknown as Pick<ConnectionPoolStats, Count | 'destroyed'>;
  }
}
