/**
 * What is about one connection, not about the message, and ends here.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
 */
export const HOP_BY_HOP: readonly string[] = [
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/**
 * What `Connection` cannot take out, whoever names it: it is for all recipients, and a sender that names
 * it wants to have it disappear between two servers that trust each other.
 */
const END_TO_END: ReadonlySet<string> = new Set([
  'authorization',
  'baggage',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'forwarded',
  'grpc-timeout',
  'host',
  'location',
  'origin',
  'set-cookie',
  'traceparent',
  'tracestate',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-proto',
  'x-forwarded-scheme',
  'x-forwarded-server',
  'x-forwarded-ssl',
  'x-real-ip',
  'x-request-deadline-ms',
  'x-request-id',
]);

/** What nearly every `Connection` says, which names no header that is not gone anyway. */
const USUAL = /^(?:keep-alive|close|upgrade|te)$/i;

/**
 * The headers that a `Connection` names, in lower case, without those that it cannot take out; undefined
 * when there is none.
 */
export function namedBy(connection: string): readonly string[] | undefined {
  if (USUAL.test(connection)) return undefined;
  const names = connection
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && !END_TO_END.has(name));
  return names.length === 0 ? undefined : names;
}

/** The headers, flat, without those that are named. */
export function without(headers: readonly string[], names: readonly string[]): string[] {
  const unwanted = new Set(names);
  const kept: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const [name = '', value = ''] = [headers[i], headers[i + 1]];
    if (!unwanted.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}
