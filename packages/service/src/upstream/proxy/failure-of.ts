import {
  UpstreamError,
  UpstreamFailure,
  UpstreamTimeoutError,
  type UpstreamFailureKind,
} from '@sluice/core';

import { wasNeverSent } from '../outbound/index.ts';

interface Circumstances {
  readonly upstream: string;
  readonly target: string;
  /** Whether the request may be sent once more if the target has seen it. */
  readonly repeatable: boolean;
}

const INVALID: ReadonlySet<unknown> = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);

const TIMEOUTS: ReadonlySet<unknown> = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/** What a failed attempt means to the policies and to the client. Failures of the client's stay as they are. */
export function failureOf(error: Error, { upstream, target, repeatable }: Circumstances): Error {
  if ('statusCode' in error) return error;
  if (isOtherProtocol(error)) {
    const message = `${upstream}: ${target} speaks no HTTP/1.1, which requests with a body are sent by`;
    return new UpstreamError(upstream, message, {
      failure: 'invalid',
      repeatable: false,
      cause: error,
    });
  }
  const failure = kindOf(error);
  const message = `${upstream}: ${target} failed (${failure}): ${error.message}`;
  const Failure = failure === 'timeout' ? UpstreamTimeoutError : UpstreamError;
  return new Failure(upstream, message, { failure, repeatable, cause: error });
}

/** Whether the target speaks HTTP/2 alone, and was asked for HTTP/1.1: it is well, and no other try goes better. */
export function isOtherProtocol(error: Error): boolean {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && code.endsWith('NO_APPLICATION_PROTOCOL');
}

/** Whether a try that ended so may be followed by another. */
export function mayBeRepeated(error: unknown): error is UpstreamFailure {
  return error instanceof UpstreamFailure && error.repeatable;
}

function kindOf(error: Error): UpstreamFailureKind {
  const { code } = error as { readonly code?: unknown };
  if (wasNeverSent(error)) return 'connect';
  if (TIMEOUTS.has(code)) return 'timeout';
  if (INVALID.has(code) || (typeof code === 'string' && code.startsWith('HPE_'))) return 'invalid';
  return 'reset';
}
