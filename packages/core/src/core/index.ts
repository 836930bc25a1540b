export { aBackoff, Backoff } from './backoff.ts';
export type {
  BackoffOptions,
  ConstantBackoff,
  DecorrelatedBackoff,
  ExponentialBackoff,
  Jitter,
} from './backoff.ts';
export { CallContext, plainContext, PRIORITIES } from './call-context.ts';
export type { CallPart, ExecuteOptions, Task, TaskContext } from './call-context.ts';
export { machineMs, systemClock } from './clock.ts';
export type { Clock, ScheduleOptions } from './clock.ts';
export {
  CircuitOpenError,
  DeadlineExceededError,
  InvalidOptionsError,
  NoTargetsError,
  PoolStoppedError,
  QueueFullError,
  RateLimitedError,
  RejectedError,
  ShedError,
  SluiceError,
  TimeoutError,
  WorkerCrashedError,
} from './errors.ts';
export type { OptionProblem, TimeoutDetails } from './errors.ts';
export { Emitter } from './events.ts';
export type { Listener } from './events.ts';
export { MUST_WAIT } from './gate.ts';
export type { Classify, Gate, Outcome, WaitingGate } from './gate.ts';
export { GateChain } from './gate-chain.ts';
export {
  above,
  aDuration,
  aFunction,
  atLeast,
  findProblems,
  integer,
  label,
  objectWith,
  optional,
  orUndefined,
  ratio,
  required,
  resolveOptions,
  shown,
} from './options.ts';
export type { CrossCheck, OptionRule, OptionRules, Rule } from './options.ts';
export { heapPerWorkerMb, machineLimits, memoryLimitBytes, usableCpus } from './machine.ts';
export type { MachineLimits, MachineSource } from './machine.ts';
export { judged, outcomeOf } from './outcome.ts';
export { isThenable } from './thenable.ts';
export { Pipeline, pipeline, wrap } from './pipeline.ts';
export type { AnswerOf, PipelineOptions } from './pipeline.ts';
export type { PipelineAdvice, PipelineAdviceCode } from './pipeline-advice.ts';
export { PolicyRegistry } from './policy-registry.ts';
export { isGatePolicy } from './policy.ts';
export type { GatePolicy, Policy, PolicyTraits } from './policy.ts';
export { secretSeed, systemRandom } from './random.ts';
export type { Random } from './random.ts';
export { warn } from './warn.ts';
export { UpstreamError, UpstreamFailure, UpstreamTimeoutError } from './upstream-errors.ts';
export type { UpstreamFailureDetails, UpstreamFailureKind } from './upstream-errors.ts';
