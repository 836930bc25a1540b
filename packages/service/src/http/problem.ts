import { STATUS_CODES } from 'node:http';

import { RejectedError, SluiceError } from '@sluice/core';

/**
 * What a refusal by the limits of a route is.
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
 */
const QUOTA_EXCEEDED = 'https://iana.org/assignments/http-problem-types#quota-exceeded';

/** RFC 9457 problem details, as this service writes them. */
export interface Problem {
  /** `about:blank`: the title says no more than the status does, the code says the rest. */
  readonly type: 'about:blank' | typeof QUOTA_EXCEEDED;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Stable name of what went wrong, for programs. */
  readonly code?: string;
  /** Of `quota-exceeded`: the names of the limits that refused, as in RateLimit-Policy. */
  readonly 'violated-policies'?: readonly string[];
  /** Names the request in the service's log. */
  readonly requestId?: string;
}

/** What a client is told about an error. */
export interface Answer {
  readonly status: number;
  readonly detail: string;
  readonly code?: string;
  /** Seconds, a whole number of at least 1; set for every 429 and 503. */
  readonly retryAfterSeconds?: number;
  /** Whether the client is told less than there is to know: then the log has the rest. */
  readonly isFailure?: boolean;
}

/** An answer that a handler gives by throwing it: its status and detail reach the client as they are. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly statusCode: number;

  /** @throws RangeError unless `statusCode` is an integer from 400 to 599. */
  constructor(statusCode: number, detail: string, options?: ErrorOptions) {
    if (!Number.isInteger(statusCode) || statusCode < 400 || statusCode > 599) {
      throw new RangeError(`HttpError needs a status from 400 to 599, got ${statusCode}`);
    }
    super(detail, options);
    this.statusCode = statusCode;
  }
}

/** The status of an answer for each of sluice's errors. What is not listed is the handler's own failure: 500. */
export const HTTP_STATUS_BY_CODE: Readonly<Record<string, number>> = Object.freeze({
  SLUICE_RATE_LIMITED: 429,
  SLUICE_CIRCUIT_OPEN: 503,
  SLUICE_QUEUE_FULL: 503,
  SLUICE_SHED: 503,
  SLUICE_STOPPED: 503,
  SLUICE_NO_TARGETS: 503,
  SLUICE_DEADLINE_EXCEEDED: 504,
  SLUICE_TIMEOUT: 504,
  SLUICE_WORKER_CRASHED: 500,
  SLUICE_UPSTREAM_FAILED: 502,
  SLUICE_UPSTREAM_TIMEOUT: 504,
});

const NOT_JSON = 'The body is not JSON that this route accepts.';

/** Errors of Fastify's own whose words are made for clients. Any other message stays inside. */
const CLIENT_DETAILS: Readonly<Record<string, string>> = Object.freeze({
  FST_ERR_CTP_BODY_TOO_LARGE: 'The request body is larger than this route accepts.',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'This route does not accept that content type.',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The content type says JSON, but the body is empty.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body is not as long as Content-Length says.',
  FST_ERR_CTP_INVALID_JSON_BODY: NOT_JSON,
  FST_ERR_BAD_URL: 'The URL is not valid.',
});

const DETAILS: Readonly<Record<string, string>> = Object.freeze({
  SLUICE_RATE_LIMITED: 'The rate limit of this route is reached.',
  SLUICE_CIRCUIT_OPEN: 'What this route depends on is failing and is given time to recover.',
  SLUICE_QUEUE_FULL: 'The service is at its capacity.',
  SLUICE_SHED: 'The service is overloaded.',
  SLUICE_STOPPED: 'The service is shutting down.',
  SLUICE_NO_TARGETS: 'What this route depends on cannot be reached yet.',
  SLUICE_DEADLINE_EXCEEDED: 'The request could not be started in time.',
  SLUICE_TIMEOUT: 'The request could not be finished in time.',
  SLUICE_UPSTREAM_FAILED: 'What this route depends on gave no valid answer.',
  SLUICE_UPSTREAM_TIMEOUT: 'What this route depends on did not answer in time.',
});

const FAILED = 'The request failed inside the service.';

/**
 * What a client is told about `error`: never a stack, a path or an address. Only HttpError, and errors
 * with a `statusCode` of 400 to 499 that say `expose: true`, bring words of their own.
 */
export function answerFor(error: unknown): Answer {
  try {
    return error instanceof SluiceError ? answerForSluice(error) : answerForOther(error);
  } catch {
    // Anything can be thrown, also what throws when it is read.
    return { status: 500, detail: FAILED, isFailure: true };
  }
}

/**
 * The problem document for an answer.
 * @param violated the limits of the route that refused, if it is their refusal
 */
export function problemOf(
  answer: Answer,
  requestId?: string,
  violated: readonly string[] = [],
): Problem {
  const { status, detail, code } = answer;
  const isQuota = violated.length > 0;
  return {
    type: isQuota ? QUOTA_EXCEEDED : 'about:blank',
    title: isQuota ? 'Quota Exceeded' : (STATUS_CODES[status] ?? 'Error'),
    status,
    detail,
    ...(code === undefined ? {} : { code }),
    ...(isQuota ? { 'violated-policies': violated } : {}),
    ...(requestId === undefined ? {} : { requestId }),
  };
}

/** Refusals and timeouts of its own are counted; what is broken elsewhere is told in the log, too. */
const LOGGED: ReadonlySet<number> = new Set([500, 502]);

function answerForSluice(error: SluiceError): Answer {
  const status = HTTP_STATUS_BY_CODE[error.code] ?? 500;
  const detail = DETAILS[error.code] ?? FAILED;
  const retryAfterMs = error instanceof RejectedError ? error.retryAfterMs : undefined;
  return withRetry(
    { status, detail, code: error.code, isFailure: LOGGED.has(status) },
    retryAfterMs,
  );
}

function answerForOther(error: unknown): Answer {
  const { statusCode, code, message, expose } = (error ?? {}) as Record<string, unknown>;
  const status = isErrorStatus(statusCode) ? statusCode : 500;
  const isFailure = status === 500;
  if (error instanceof HttpError) return withRetry({ status, detail: error.message, isFailure });
  if (status >= 500) return withRetry({ status, detail: FAILED, isFailure: true });
  const known = typeof code === 'string' ? CLIENT_DETAILS[code] : undefined;
  // A syntax error of JSON.parse quotes the body; its words are not needed to mend it.
  if (error instanceof SyntaxError) return { status, detail: NOT_JSON };
  return withRetry({ status, detail: known ?? words(expose === true && message, status) });
}

function withRetry(answer: Answer, retryAfterMs = 0): Answer {
  if (answer.status !== 429 && answer.status !== 503) return answer;
  return { ...answer, retryAfterSeconds: secondsIn(retryAfterMs) };
}

/** Some 30 years: clients take no more digits than these for sure, and nobody waits for longer. */
const MOST_SECONDS = 999_999_999;

/** Whole seconds, at least 1, after which so many ms are over. */
export function secondsIn(ms: number): number {
  return Math.min(MOST_SECONDS, Math.max(1, Math.ceil(ms / 1000)));
}

function words(message: unknown, status: number): string {
  return typeof message === 'string' && message !== ''
    ? message
    : (STATUS_CODES[status] ?? 'Error');
}

function isErrorStatus(status: unknown): status is number {
  return Number.isInteger(status) && (status as number) >= 400 && (status as number) <= 599;
}
