import type { Rule } from '../../core/index.ts';
import type { KeyedRequest } from './keyed-request.ts';

/** @see https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2 */
const TOKEN = /^[\w!#$%&'*+.^`|~-]{1,100}$/;

/** A token: what a header can be named, and an authentication scheme. */
const token = (what: string): Rule<string> => ({
  expected: `${what}: 1 to 100 letters, digits or any of !#$%&'*+-.^_\`|~`,
  accepts: (v): v is string => typeof v === 'string' && TOKEN.test(v),
});

/** In any case. */
export const headerName: Rule<string> = token("a header's name");

export const schemeName: Rule<string> = token('an authentication scheme');

/** The header's value, several joined as HTTP joins them; undefined when the request has none. */
export function headerValue({ headers }: KeyedRequest, lowerCaseName: string): string | undefined {
  const value = headers[lowerCaseName];
  if (typeof value === 'string') return value;
  // What is neither was inherited: `constructor` may be the name of a header.
  return Array.isArray(value) ? value.join(', ') : undefined;
}
