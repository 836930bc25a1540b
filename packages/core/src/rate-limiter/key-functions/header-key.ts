import { required, resolveOptions, type OptionRules } from '../../core/index.ts';
import { digest } from './digest.ts';
import { headerName, headerValue } from './header-value.ts';
import type { KeyFunction } from './keyed-request.ts';

/** The longest value that a key shows as it is, in characters. */
const LONGEST_VALUE = 64;

const rules: OptionRules<{ readonly name: string }> = { name: required(headerName) };

/**
 * Keys requests by the value of a header, such as a tenant's name that a gateway has set. The key of
 * `X-Tenant: acme` is `x-tenant=acme`, that of a value over 64 characters `x-tenant:` and its hash (132
 * bits of SHA-256), so that no client can make keys long. Values differ by case; several count as
 * one, joined by commas. All requests without the header share the key `x-tenant`, which no value has.
 *
 * Whoever may write the header chooses the key: strip it from what clients send, or check it first. For
 * secrets use {@link apiKey}. O(length of the value).
 * @param name The header's name, in any case.
 * @throws InvalidOptionsError when it is no name of a header.
 */
export function headerKey(name: string): KeyFunction {
  const header = resolveOptions('headerKey', { name }, rules).name.toLowerCase();
  return (request) => {
    const value = headerValue(request, header);
    if (value === undefined) return header;
    return value.length > LONGEST_VALUE ? `${header}:${digest(value)}` : `${header}=${value}`;
  };
}
