import type { Clock } from './clock.ts';
import type { ExecuteOptions, Task } from './call-context.ts';
import type { Gate } from './gate.ts';

/** What a pipeline must know of a policy to tell whether it stands in its place. */
export interface PolicyTraits {
  readonly kind:
    | 'rate-limiter'
    | 'circuit-breaker'
    | 'throttle'
    | 'pool'
    | 'retry'
    | 'timeout'
    | 'hedge'
    | 'fallback';
  /** Longest time that it gives a call, or each try of it, in ms. */
  readonly timeoutMs?: number | undefined;
  /** Tries that one call may become. */
  readonly maxAttempts?: number | undefined;
  /** Whether a budget bounds the tries that are more than one a call. */
  readonly budgeted?: boolean | undefined;
  /** The time over which it judges, in ms. */
  readonly windowMs?: number | undefined;
  /**
   * Whether its tasks run in other threads or processes. They cannot be closures then, so it cannot stand around
   * the task of a call: the task has to ask for it.
   */
  readonly runsElsewhere?: boolean | undefined;
}

/** Something that work can be run through. */
export interface Policy<Stats extends object = object> {
  readonly name: string;
  /** As of now; a policy without them may stand anywhere. */
  readonly traits?: PolicyTraits;
  /** Runs `task` under the policy. Rejects with the task's own error, or a refusal. Never throws. */
  execute<T>(task: Task<T>, options?: ExecuteOptions): Promise<T>;
  /** Plain numbers and words, cheap enough to call every second. */
  stats(): Stats;
}

/** A policy that is a gate, so that neighbours in a pipeline share one async hop. */
export interface GatePolicy<Stats extends object = object> extends Policy<Stats>, Gate {
  readonly clock: Clock;
}

export function isGatePolicy(policy: Policy): policy is GatePolicy {
  return 'enter' in policy && 'exit' in policy && 'clock' in policy;
}
