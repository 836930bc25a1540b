import type { Transferable } from 'node:worker_threads';

export type { Transferable };

/** What a job is told about its call, as its second argument. */
export interface JobContext {
  /**
   * Aborted when the call ends early: abort, timeout, deadline. Made when first read. `signal.aborted`
   * and `signal.throwIfAborted()` look at once, also inside a loop that never yields.
   */
  readonly signal: AbortSignal;
  /** What is left of the deadline now, in ms; Infinity without one. */
  readonly deadlineMs: number;
  readonly key: string | undefined;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Name of the worker, such as `cpu-1`. */
  readonly worker: string;
}

/** A function that runs on a worker. Its input and its result are cloned, as structured clone does it. */
// oxlint-disable-next-line typescript/no-explicit-any -- the only type that every parameter extends
export type Job = (input: any, context: JobContext) => unknown;

/** Exports of a module of jobs that are called at other times, and are no jobs. */
export type HookName = 'onStart' | 'onStop' | 'withCarried';

/** The jobs among a module's exports. */
export type JobsOf<Module> = {
  readonly [
    K in keyof Module as K extends string
      ? K extends HookName
        ? never
        : Module[K] extends Job
          ? K
          : never
      : never
  ]: Module[K] extends Job ? Module[K] : never;
};

export type JobName<Module> = keyof JobsOf<Module> & string;

/** What a job takes; undefined for one without parameters, or undefined, too, where it may be left out. */
export type InputOf<F> = F extends (...args: infer P) => unknown
  ? P extends []
    ? undefined
    : P[0]
  : never;

/** What the caller of a job gets; never for one that always throws. */
export type ResultOf<F> = F extends (...args: never[]) => infer R ? Arrived<Awaited<R>> : never;

type Arrived<R> = R extends Transferring<infer V> ? V : R;

/** Hooks that a module of jobs may export. */
export interface JobHooks {
  /** Before the first job: opens what the jobs need. The worker takes no job until it is done. */
  readonly onStart?: (worker: { readonly name: string }) => unknown;
  /** Before a worker ends in good order: closes what `onStart` opened. */
  readonly onStop?: () => unknown;
  /** Runs a job with what the pool's `carry` answered at its submission: `(store, run) => als.run(store, run)`. */
  readonly withCarried?: (carried: unknown, run: () => unknown) => unknown;
}

/** A result whose parts are moved instead of copied. */
export class Transferring<T> {
  readonly value: T;
  readonly transfer: readonly Transferable[];

  constructor(value: T, transfer: readonly Transferable[]) {
    this.value = value;
    this.transfer = transfer;
  }
}

/** For a job to return: `value` arrives with `transfer` moved, not copied, as in `withTransfer(bytes, [bytes.buffer])`. */
export function withTransfer<T>(value: T, transfer: readonly Transferable[]): Transferring<T> {
  return new Transferring(value, transfer);
}
