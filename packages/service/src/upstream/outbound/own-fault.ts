/** undici's codes for what happened on this side: misuse, a client that was closed, limits of our own. */
const OWN_CODES: ReadonlySet<unknown> = new Set([
  'UND_ERR_ABORT',
  'UND_ERR_ABORTED',
  'UND_ERR_BPL_MISSING_UPSTREAM',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
  'UND_ERR_INVALID_ARG',
  'UND_ERR_INVALID_RETURN_VALUE',
  'UND_ERR_MAX_ORIGINS_REACHED',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_RES_EXCEEDED_MAX_SIZE',
]);

/** Whether undici's error says that nobody else is to blame for it. */
export function isOwnFault(error: Error): boolean {
  return OWN_CODES.has((error as { readonly code?: unknown }).code);
}
