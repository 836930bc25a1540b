import { SluiceError } from './errors.ts';

/** How an attempt at a server failed. */
export type UpstreamFailureKind =
  /** There was no connection: nothing was sent. */
  | 'connect'
  /** The connection ended before the whole answer was here. */
  | 'reset'
  /** What came was not valid, or more than is accepted. */
  | 'invalid'
  /** The head of the answer, or the next part of its body, took too long. */
  | 'timeout'
  /** An answer came whose status asks for another try. */
  | 'status';

export interface UpstreamFailureDetails extends ErrorOptions {
  readonly failure: UpstreamFailureKind;
  /** Whether the same request may be sent once more. */
  readonly repeatable: boolean;
  /** How long the server asks to be left alone, in ms. @default undefined: it did not say */
  readonly retryAfterMs?: number | undefined;
}

/** A server that a request was passed on to gave no answer that could be used. The message names it, for the log. */
export abstract class UpstreamFailure extends SluiceError {
  readonly failure: UpstreamFailureKind;
  readonly repeatable: boolean;
  /** A retry waits at least so long, in ms. */
  readonly retryAfterMs: number | undefined;

  constructor(policy: string, message: string, details: UpstreamFailureDetails) {
    const { failure, repeatable, retryAfterMs, ...options } = details;
    super(policy, message, options);
    this.failure = failure;
    this.repeatable = repeatable;
    this.retryAfterMs = retryAfterMs;
  }
}

/** It could not be reached, broke off, or said what is not valid. */
export class UpstreamError extends UpstreamFailure {
  readonly code = 'SLUICE_UPSTREAM_FAILED';
}

/** It was reached, and did not answer in time. */
export class UpstreamTimeoutError extends UpstreamFailure {
  readonly code = 'SLUICE_UPSTREAM_TIMEOUT';
}
