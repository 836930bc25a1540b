import type { Clock } from './clock.ts';
import type { ExecuteOptions, Task } from './call-context.ts';
import type { Gate } from './gate.ts';

/** Something that work can be run through. */
export interface Policy<Stats extends object = object> {
  readonly name: string;
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
