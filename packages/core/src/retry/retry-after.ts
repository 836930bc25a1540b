interface Answer {
  readonly retryAfterMs?: unknown;
  readonly headers?: unknown;
  readonly response?: { readonly headers?: unknown } | null;
}

/** `Sun, 06 Nov 1994 08:49:37 GMT` and the two obsolete forms, of which asctime's names no zone. */
const HTTP_DATE = /^(mon|tue|wed|thu|fri|sat|sun)[a-z]*,? [a-z0-9 :-]+$/i;

/**
 * How long the error asks to wait, in ms; undefined when it does not say: its `retryAfterMs`, or the
 * `Retry-After` of the HTTP answer that it carries (`headers` or `response.headers`, a plain object or
 * one with `get`), as seconds or as a date. A date in the past is 0.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function retryAfterMsOf(error: unknown, wallTimeMs: number): number | undefined {
  const { retryAfterMs, headers, response } = Object(error) as Answer;
  if (typeof retryAfterMs === 'number' && retryAfterMs >= 0) return retryAfterMs;
  return headerMs(headers, wallTimeMs) ?? headerMs(response?.headers, wallTimeMs);
}

function headerMs(headers: unknown, wallTimeMs: number): number | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const given = valueIn(headers as HeaderLookup | Record<string, unknown>);
  const value = String(Array.isArray(given) ? given[0] : (given ?? '')).trim();
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  if (!HTTP_DATE.test(value)) return undefined;
  const atMs = Date.parse(/ GMT$/i.test(value) ? value : `${value} GMT`);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - wallTimeMs);
}

function valueIn(headers: HeaderLookup | Record<string, unknown>): unknown {
  if (isLookup(headers)) return headers.get('retry-after');
  const name = Object.keys(headers).find((key) => key.toLowerCase() === 'retry-after');
  return name === undefined ? undefined : headers[name];
}

/** As `Headers`, and the look-alikes of HTTP clients. */
interface HeaderLookup {
  get(name: string): unknown;
}

function isLookup(headers: object): headers is HeaderLookup {
  return typeof (headers as HeaderLookup).get === 'function';
}
