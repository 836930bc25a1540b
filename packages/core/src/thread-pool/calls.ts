import type { InputOf, JobContext, JobName, JobsOf, ResultOf, Transferring } from './job-types.ts';
import type { RunOptions } from './options.ts';

/** What a job is called with: its input, which may be left out where it takes none, and options. */
export type CallArguments<Input> = undefined extends Input
  ? [input?: Input, options?: RunOptions]
  : [input: Input, options?: RunOptions];

/** What a task is made from: the input of its job. */
export type TaskArguments<Input> = undefined extends Input ? [input?: Input] : [input: Input];

/** A job as a function of the main thread. */
export type JobCall<F> = (...args: CallArguments<InputOf<F>>) => Promise<ResultOf<F>>;

/** All jobs of a module as functions. */
export type JobCalls<Module> = {
  readonly [K in JobName<Module>]: JobCall<JobsOf<Module>[K]>;
};

declare const result: unique symbol;

/** A task for `submit`: a job and its input. Made by `pool.task`, which knows the types. */
export interface ThreadTask<R = unknown> {
  readonly job: string;
  readonly input?: unknown;
  /** The type of the result; never set. */
  readonly [result]?: R;
}

/** An inline job: as a function of the main thread, and as what makes tasks for `map`, `submit` and the others. */
export type DefinedJob<F> = JobCall<F> & {
  task(...input: TaskArguments<InputOf<F>>): ThreadTask<ResultOf<F>>;
};

/** A function as a task: an inline job, called with the context alone. It captures nothing. */
export type InlineTask<R = unknown> = (
  context: JobContext,
) => PromiseLike<R | Transferring<R>> | Transferring<R> | R;
