type Input = Parameters<typeof globalThis.fetch>[0];

/** What `fetch` was called with. */
export interface Asked {
  readonly input: Input;
  readonly init: RequestInit | undefined;
  readonly kind: Repeatability;
}

/** Whether a request may be sent more than once, and if not, why. */
export type Repeatability = 'repeatable' | 'unsafe' | 'stream';

/** RFC 9110, section 9.2.2, and QUERY, which is safe by its definition. */
const IDEMPOTENT: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PUT',
  'DELETE',
  'QUERY',
]);

/** Whether address, method and headers are such that there is something to send. */
export function isWellFormed(input: Input, init: RequestInit | undefined): boolean {
  if (isRequest(input)) return true;
  try {
    void new Request(input, headOf(init));
    return true;
  } catch {
    return false;
  }
}

export function repeatabilityOf(input: Input, init: RequestInit | undefined): Repeatability {
  if (hasStream(input, init)) return 'stream';
  const head = isRequest(input) ? input : undefined;
  const method = (init?.method ?? head?.method ?? 'GET').toUpperCase();
  if (IDEMPOTENT.has(method)) return 'repeatable';
  const headers = init?.headers ? new Headers(init.headers) : head?.headers;
  // Of a draft of the IETF, and long in use: the other side knows a repetition by it.
  return headers?.has('idempotency-key') ? 'repeatable' : 'unsafe';
}

/** By their shape, since the classes may be those of another undici. */
export function isRequest(input: Input): input is Request {
  return typeof input === 'object' && 'headers' in input && 'signal' in input;
}

/** The body of a Request, too, is read while it is sent. */
function hasStream(input: Input, init: RequestInit | undefined): boolean {
  const body: unknown = init?.body ?? (isRequest(input) ? input.body : undefined);
  if (typeof body !== 'object' || body === null) return false;
  if (isRequest(input) && init?.body == null) return true;
  return body instanceof ReadableStream || isIterableAsync(body);
}

function isIterableAsync(body: object): boolean {
  return Symbol.asyncIterator in body && typeof body[Symbol.asyncIterator] === 'function';
}

function headOf(init: RequestInit | undefined): RequestInit {
  const { method, headers } = init ?? {};
  return { ...(method !== undefined && { method }), ...(headers !== undefined && { headers }) };
}
