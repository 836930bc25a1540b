import { RejectedError } from '@sluice/core';

/** What happens before there is a connection on which anything could be sent. */
const CONNECT_CODES: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EAI_AGAIN',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
]);

interface Described {
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly cause?: unknown;
}

/** Whether the error says that the request never left: a refusal, or no connection. `fetch` has it as a cause. */
export function wasNeverSent(error: unknown): boolean {
  if (error instanceof RejectedError) return true;
  const { code, syscall, cause } = Object(error) as Described;
  if (CONNECT_CODES.has(code) || syscall === 'connect') return true;
  return cause instanceof Error && cause !== error && wasNeverSent(cause);
}
