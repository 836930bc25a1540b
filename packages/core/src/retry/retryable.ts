import {
  DeadlineExceededError,
  InvalidOptionsError,
  RejectedError,
  WorkerCrashedError,
} from '../core/index.ts';
import { retryAfterMsOf } from './retry-after.ts';

/** What mistakes in the program itself are thrown as. */
const BUGS = [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError] as const;
/** Answers below 500 that are not the client's mistake: timeout, too early, too many. */
const TRANSIENT: ReadonlySet<number> = new Set([408, 425, 429]);
/** Answers above 500 that will be the same next time: not implemented, HTTP version not supported. */
const LASTING: ReadonlySet<number> = new Set([501, 505]);

/**
 * Whether another try may go better: the default of a {@link Retry}'s `when`, to build your own on.
 *
 * Not worth one: deadlines that passed, wrong options, a worker that the task brought down, aborts, and bugs
 * (TypeError and its like, but for the TypeError that `fetch` throws when the network fails). What was
 * refused, and what was answered with a status that would be the same again (4xx but 408, 425 and 429;
 * 501, 505), only if it says when to come back. Everything else is.
 */
export function isRetryable(error: unknown): boolean {
  if (error instanceof DeadlineExceededError || error instanceof InvalidOptionsError) return false;
  if (error instanceof WorkerCrashedError || isAbort(error) || isBug(error)) return false;
  const isFinal = error instanceof RejectedError || isLasting(statusOf(error));
  return !isFinal || retryAfterMsOf(error, 0) !== undefined;
}

/** Somebody wanted it to stop. */
function isAbort(error: unknown): boolean {
  return (error as { name?: unknown } | null | undefined)?.name === 'AbortError';
}

function isBug(error: unknown): boolean {
  if (!BUGS.some((kind) => error instanceof kind)) return false;
  // `fetch` tells of the network by a TypeError whose cause is what happened.
  const { cause } = error as Error;
  return !(error instanceof TypeError && cause instanceof Error && !isBug(cause));
}

interface Answered {
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly response?: { readonly status?: unknown; readonly statusCode?: unknown } | null;
}

function statusOf(error: unknown): unknown {
  const { status, statusCode, response } = Object(error) as Answered;
  return status ?? statusCode ?? response?.status ?? response?.statusCode;
}

function isLasting(status: unknown): boolean {
  if (typeof status !== 'number') return false;
  return LASTING.has(status) || (status >= 400 && status < 500 && !TRANSIENT.has(status));
}
