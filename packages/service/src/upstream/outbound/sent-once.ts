import {
  CallContext,
  Pipeline,
  systemClock,
  type ExecuteOptions,
  type PipelineAdviceCode,
  type Policy,
  type Task,
} from '@sluice/core';

/** Told how a try failed: whether there must not be another. */
export type IsFinal = (error: unknown) => boolean;

/** The row was checked when it was built; what was found then is not told again. */
const TOLD: readonly PipelineAdviceCode[] = [
  'retry-without-budget',
  'retry-around-retry',
  'breaker-around-retry',
  'pool-around-retry',
  'fallback-inside',
  'window-too-short',
];

/**
 * The same policies for calls that must not take effect twice: without hedges, and with retries that end
 * with a try that `isFinal`, whatever their `when` says. undefined when nothing is left.
 */
export function sentOnce(policy: Policy, isFinal: IsFinal): Policy | undefined {
  if (policy instanceof Pipeline) {
    const row = policy.policies
      .map((each) => sentOnce(each, isFinal))
      .filter((each) => each !== undefined);
    return row.length === 0 ? undefined : new Pipeline(policy.name, row, { accept: TOLD });
  }
  if (policy.traits?.kind === 'hedge') return undefined;
  return policy.traits?.kind === 'retry' ? new RetryUnlessFinal(policy, isFinal) : policy;
}

/**
 * A retry that is told to stop in the one way that each of them heeds: its call is ended. What is further
 * out sees the error of the last try as it is, and what is further in has judged that try before.
 */
class RetryUnlessFinal implements Policy {
  readonly name: string;
  readonly #retry: Policy;
  readonly #isFinal: IsFinal;

  constructor(retry: Policy, isFinal: IsFinal) {
    this.name = retry.name;
    this.#retry = retry;
    this.#isFinal = isFinal;
  }

  async execute<T>(task: Task<T>, options?: ExecuteOptions): Promise<T> {
    const whole = new CallContext(systemClock, options);
    const endIfFinal = (error: unknown): void => {
      if (this.#isFinal(error)) whole.abort(error);
    };
    const once: Task<T> = async (context) => {
      // A retry gives up a try that is over its time, and does not wait for the task.
      if (context instanceof CallContext) context.onAbort(endIfFinal);
      try {
        return await task(context);
      } catch (error) {
        endIfFinal(error);
        throw error;
      }
    };
    try {
      return await this.#retry.execute(once, whole);
    } finally {
      whole.close();
    }
  }

  stats(): object {
    return this.#retry.stats();
  }
}
