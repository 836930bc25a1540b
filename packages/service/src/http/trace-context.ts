const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/;

/** The trace that a request belongs to. */
export interface TraceContext {
  /** As it came: hand it on to what the request calls. */
  readonly traceparent: string;
  /** 32 hex digits. */
  readonly traceId: string;
}

/**
 * Reads a `traceparent` header; undefined when there is none or it is not valid.
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function parseTraceparent(header: unknown): TraceContext | undefined {
  if (typeof header !== 'string' || header.length > 512 || !TRACEPARENT.test(header)) {
    return undefined;
  }
  const version = header.slice(0, 2);
  const wellFormed = version === '00' ? header.length === 55 : (header[55] ?? '-') === '-';
  return wellFormed ? { traceparent: header, traceId: header.slice(3, 35) } : undefined;
}
