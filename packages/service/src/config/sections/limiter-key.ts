import { apiKey, clientAddress, headerKey, routeKey, type KeyFunction } from '@sluice/core';
import { z } from 'zod';

import { mapping } from './values.ts';

/**
 * What tells clients apart:
 *
 * - `ip`: the address of the client, of IPv6 its /64 block; behind proxies see `server.trustedProxies`.
 * - `route`: method and path of the route, where several share the limiter.
 * - `{ header: X-Tenant }`: a header's value. Whoever may write it chooses the key: have the gateway set it.
 * - `apiKey`, `{ apiKey: { header, scheme } }`: an API key or a token, known by its hash alone.
 */
export type LimiterKey =
  | 'ip'
  | 'route'
  | 'apiKey'
  | { readonly header: string }
  | { readonly apiKey: ApiKeyConfig };

/** Where the API key stands. */
export interface ApiKeyConfig {
  /** @default 'x-api-key', or 'authorization' when there is a scheme */
  readonly header?: string | undefined;
  /** What stands before it: `Bearer`. @default none */
  readonly scheme?: string | undefined;
}

export type ResolvedLimiterKey =
  | 'ip'
  | 'route'
  | { readonly header: string }
  | { readonly apiKey: { readonly header: string; readonly scheme?: string | undefined } };

const EXPECTED = 'one of ip, route, apiKey, { header: X-Tenant }, { apiKey: { header, scheme } }';
const HEADER = 'the name of a header';

/** @see https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2 */
const token = (expected: string): z.ZodString =>
  z.string({ error: expected }).regex(/^[\w!#$%&'*+.^`|~-]{1,100}$/, { error: expected });

const apiKeySchema = mapping('a mapping: { header, scheme }', {
  header: token(HEADER).optional(),
  scheme: token('an authentication scheme, such as Bearer').optional(),
}).transform(({ header, scheme }) => ({
  header: header ?? (scheme === undefined ? 'x-api-key' : 'authorization'),
  ...(scheme === undefined ? {} : { scheme }),
}));

export const limiterKeySchema: z.ZodType<ResolvedLimiterKey, LimiterKey> = z
  .union(
    [
      z.enum(['ip', 'route', 'apiKey'], { error: EXPECTED }),
      mapping('a mapping', { header: token(HEADER) }),
      mapping('a mapping', { apiKey: apiKeySchema }),
    ],
    { error: EXPECTED },
  )
  .transform((key) => (key === 'apiKey' ? { apiKey: { header: 'x-api-key' } } : key));

/** The function that computes the key. `trustedProxies` is the server's. */
export function keyFunction(
  key: ResolvedLimiterKey,
  trustedProxies: readonly string[],
): KeyFunction {
  if (key === 'ip') return clientAddress({ trustedProxies });
  if (key === 'route') return routeKey;
  return 'header' in key ? headerKey(key.header) : apiKey(key.apiKey);
}

/** Whether it is something that `server.trustedProxies` can name. */
export function isProxy(text: string): boolean {
  try {
    clientAddress({ trustedProxies: [text] });
    return true;
  } catch {
    return false;
  }
}

/** Whether a limiter with this key ever makes the key `text`. */
export function isKeyOf(key: ResolvedLimiterKey, text: string): boolean {
  if (key === 'ip') return isAddressKey(text);
  if (key === 'route') return /^[A-Z]+ \/\S*$/.test(text);
  if ('apiKey' in key) return /^(?:api-key:[\w-]{22}|no-api-key)$/.test(text);
  const name = key.header.toLowerCase();
  const value = text.slice(name.length + 1);
  return headerKey(name)({ headers: { [name]: value } }) === text || text === name;
}

/** The keys that {@link isKeyOf} takes, in words. */
export function keyForms(key: ResolvedLimiterKey): string {
  if (key === 'ip') return 'keys such as 192.0.2.7 and 2001:db8:0:1::/64';
  if (key === 'route') return 'keys such as GET /orders/:id';
  if ('header' in key) return `keys such as ${key.header.toLowerCase()}=acme`;
  return 'api-key: and the first 22 characters of the SHA-256 in base64url, never an API key itself';
}

/** Of all the ways to write an address only one is the key. */
function isAddressKey(text: string): boolean {
  const remoteAddress = text.replace(/\/64$/, '');
  return clientAddress()({ headers: {}, socket: { remoteAddress } }) === text;
}
