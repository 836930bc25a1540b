/** What became of a request that got no whole answer, in words that a report can show. */
const KINDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ECONNABORTED: 'connection reset',
  EPIPE: 'connection reset',
  UND_ERR_SOCKET: 'connection closed',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'host not found',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'host unreachable',
  EADDRNOTAVAIL: 'no local port left',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files',
  UND_ERR_HEADERS_OVERFLOW: 'invalid response',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'invalid response',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate not trusted',
  CERT_HAS_EXPIRED: 'certificate not trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate not trusted',
};

/** The time ran out that a request was given. */
export const TIMEOUT = 'timeout';

/** The kind of an error: one of a small set, for counting. An unknown one goes by its code. */
export function errorKind(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (typeof code !== 'string') return typeof name === 'string' ? name : 'unknown';
  if (code.startsWith('HPE_')) return 'invalid response';
  return KINDS[code] ?? code;
}
