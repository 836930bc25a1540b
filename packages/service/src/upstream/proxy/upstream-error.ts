import { SluiceError } from '@sluice/core';

/** How an attempt at a target failed. */
export type UpstreamFailure =
  /** No connection: nothing was sent. */
  | 'connect'
  /** The connection ended before the whole answer was here. */
  | 'reset'
  /** What came is not HTTP, or is more than is accepted. */
  | 'invalid'
  /** Headers or the next part of a body took too long. */
  | 'timeout'
  /** An answer whose status asks for another try. */
  | 'status';

export interface UpstreamErrorDetails extends ErrorOptions {
  readonly failure: UpstreamFailure;
  /** Whether the same request may be sent once more. */
  readonly repeatable: boolean;
  /** How long the target asks to be left alone, in ms. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * A target gave no answer that could be passed on. Clients are answered 502, or 504 after a timeout, and
 * never learn which target it was; the log does.
 */
export class UpstreamError extends SluiceError {
  readonly code: 'SLUICE_UPSTREAM_FAILED' | 'SLUICE_UPSTREAM_TIMEOUT';
  readonly failure: UpstreamFailure;
  readonly repeatable: boolean;
  /** A retry waits at least so long. */
  readonly retryAfterMs: number | undefined;

  constructor(upstream: string, message: string, details: UpstreamErrorDetails) {
    const { failure, repeatable, retryAfterMs, ...options } = details;
    super(upstream, message, options);
    this.code = failure === 'timeout' ? 'SLUICE_UPSTREAM_TIMEOUT' : 'SLUICE_UPSTREAM_FAILED';
    this.failure = failure;
    this.repeatable = repeatable;
    this.retryAfterMs = retryAfterMs;
  }
}
