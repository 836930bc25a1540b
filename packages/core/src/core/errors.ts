/** Everything that sluice throws on purpose. `code` is stable; the message is for people. */
export abstract class SluiceError extends Error {
  abstract readonly code: string;
  /** The policy that threw it, by the name it was given. */
  readonly policy: string;

  constructor(policy: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.policy = policy;
  }

  override get name(): string {
    return this.constructor.name;
  }
}

/**
 * A policy did not let the call in, so the work never began: it is safe to send again. Refusals are
 * frequent under overload, so they carry no stack trace (one costs many times the rest of the error).
 */
export abstract class RejectedError extends SluiceError {
  /** How long until the same call may be let in, in ms; undefined when nobody can know. */
  readonly retryAfterMs: number | undefined;

  constructor(policy: string, message: string, retryAfterMs?: number, options?: ErrorOptions) {
    const frames = Error.stackTraceLimit;
    if (frames) limitStackTo(0);
    try {
      super(policy, message, options);
    } finally {
      if (frames) limitStackTo(frames);
    }
    this.retryAfterMs =
      retryAfterMs === undefined || retryAfterMs === Infinity ? undefined : retryAfterMs;
  }
}

/** The rate limiter had no permit. `retryAfterMs` says when it is due; undefined: the cost exceeds the capacity. */
export class RateLimitedError extends RejectedError {
  readonly code = 'SLUICE_RATE_LIMITED';
}

/** The circuit breaker is open, or half-open with all its probes under way. */
export class CircuitOpenError extends RejectedError {
  readonly code = 'SLUICE_CIRCUIT_OPEN';
}

/** Every place to run and every place to wait is taken. */
export class QueueFullError extends RejectedError {
  readonly code = 'SLUICE_QUEUE_FULL';
}

/** Overload control dropped the call so that others can be served in time. */
export class ShedError extends RejectedError {
  readonly code = 'SLUICE_SHED';
}

/** The deadline passed, or could no longer be met, before the work began. */
export class DeadlineExceededError extends RejectedError {
  readonly code = 'SLUICE_DEADLINE_EXCEEDED';
}

/** The policy is stopping or has stopped, and the work had not begun. */
export class PoolStoppedError extends RejectedError {
  readonly code = 'SLUICE_STOPPED';
}

/** Nothing is known that could do the work: none of an upstream's names has been resolved yet. */
export class NoTargetsError extends RejectedError {
  readonly code = 'SLUICE_NO_TARGETS';
}

export interface TimeoutDetails extends ErrorOptions {
  readonly timeoutMs: number;
  /** @default false */
  readonly cutShort?: boolean;
}

/** The work began and was not done in time. It may still be running, or have taken effect. */
export class TimeoutError extends SluiceError {
  readonly code = 'SLUICE_TIMEOUT';
  /** The time it was given, in ms. */
  readonly timeoutMs: number;
  /**
   * Whether it had waited so long to begin that it was ended before such work is usually done. That
   * says nothing about what the work calls, so a breaker does not count it.
   */
  readonly cutShort: boolean;

  constructor(
    policy: string,
    message: string,
    { timeoutMs, cutShort = false, ...options }: TimeoutDetails,
  ) {
    super(policy, message, options);
    this.timeoutMs = timeoutMs;
    this.cutShort = cutShort;
  }
}

/** The worker that ran the task died: the task may have taken effect in part. */
export class WorkerCrashedError extends SluiceError {
  readonly code = 'SLUICE_WORKER_CRASHED';
}

function limitStackTo(frames: number): void {
  try {
    Error.stackTraceLimit = frames;
  } catch {
    // Where `--frozen-intrinsics` has frozen it, a refusal has its frames like any error.
  }
}

/** One thing that is wrong with an options object. */
export interface OptionProblem {
  /** Name of the option, `slidingWindow.size` for a nested one. */
  readonly option: string;
  readonly expected: string;
  /** The value given, as text, shortened. */
  readonly got: string;
}

/** Options were wrong. Names every problem, each with what was expected and what was given. */
export class InvalidOptionsError extends SluiceError {
  readonly code = 'SLUICE_INVALID_OPTIONS';
  readonly problems: readonly OptionProblem[];

  constructor(subject: string, problems: readonly OptionProblem[]) {
    const sentences = problems.map((p) => `${p.option} must be ${p.expected}, got ${p.got}`);
    super(subject, `${subject}: ${sentences.join('; ')}`);
    this.problems = problems;
  }
}
