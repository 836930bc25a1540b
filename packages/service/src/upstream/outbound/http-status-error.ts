/**
 * An answer whose status counts as a failure, as the policies of a guarded fetch see it: in a breaker's
 * `classify`, a retry's `when`, a fallback's cases. The caller of the fetch gets the response itself.
 */
export class HttpStatusError extends Error {
  override readonly name = 'HttpStatusError';
  readonly response: Response;

  constructor(response: Response) {
    super(`answered with status ${response.status}`);
    this.response = response;
  }

  get status(): number {
    return this.response.status;
  }

  /** A retry finds `Retry-After` in them. */
  get headers(): Headers {
    return this.response.headers;
  }
}
