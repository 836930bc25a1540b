import { optional, orUndefined, resolveOptions, type OptionRules } from '../../core/index.ts';
import { digest } from './digest.ts';
import { headerName, headerValue, schemeName } from './header-value.ts';
import type { KeyFunction } from './keyed-request.ts';

export interface ApiKeyOptions {
  /** The header that holds the key, in any case. @default 'x-api-key', or 'authorization' when there is a scheme */
  readonly header?: string;
  /** What stands before the key, in any case: `Bearer` for tokens. A value with another scheme holds no key. @default none */
  readonly scheme?: string | undefined;
}

/** The key of all requests that bring no API key. */
export const NO_API_KEY = 'no-api-key';

interface Resolved {
  readonly header: string;
  readonly scheme: string | undefined;
}

const rules: OptionRules<Resolved> = {
  header: optional(headerName, ({ scheme }) =>
    scheme === undefined ? 'x-api-key' : 'authorization',
  ),
  scheme: optional(orUndefined(schemeName), () => undefined),
};

/**
 * Keys requests by their API key or token: `api-key:` and 132 bits of its SHA-256 in base64url. The
 * secret itself is never held, logged or shown; one that can be guessed can be found by its hash, since
 * the same secret has the same key in every process. Requests without one, or with an empty one, share
 * {@link NO_API_KEY}.
 *
 * A limiter does not check keys: a client can make up as many as it likes, so let the authentication
 * come first, or a limit by {@link clientAddress}. O(length of the value); about 1 µs.
 * @throws InvalidOptionsError naming every problem.
 */
export function apiKey(options: ApiKeyOptions = {}): KeyFunction {
  const { header, scheme } = resolveOptions('apiKey', options, rules);
  const name = header.toLowerCase();
  const start = scheme === undefined ? '' : `${scheme.toLowerCase()} `;
  return (request) => {
    const value = headerValue(request, name) ?? '';
    const fits = value.slice(0, start.length).toLowerCase() === start;
    const secret = fits ? value.slice(start.length).trim() : '';
    return secret === '' ? NO_API_KEY : `api-key:${digest(secret)}`;
  };
}
