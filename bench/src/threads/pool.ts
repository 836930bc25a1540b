import type { Kind } from '../harness/subject.ts';
import type { JobName } from './jobs.ts';

/** Runs a job on another thread and answers with its result. */
export type Call = (value: unknown, transfer?: readonly ArrayBuffer[]) => PromiseLike<unknown>;

/** What the subjects ask of a thread pool, whoever made it. */
export interface Pool {
  /** A way to call one job, bound once. */
  caller(job: JobName): Call;
  /** Calls `hang` and ends it after `timeoutMs`, which rejects the call. Absent: the pool cannot. */
  hang?(timeoutMs: number): PromiseLike<unknown>;
  /** Ends every thread. */
  close(): Promise<void>;
}

/** A pool to be opened with so many threads. Opening loads the package, so that a process loads no other. */
export interface PoolMaker {
  readonly name: string;
  readonly kind: Kind;
  open(threads: number): Promise<Pool>;
}
