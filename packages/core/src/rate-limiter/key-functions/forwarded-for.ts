import type { IpAddress } from './ip-address.ts';
import { parseIpAddress } from './parse-ip-address.ts';

/** How much of a header is looked at, whatever its size: so many entries, from the right … */
export const MOST_ENTRIES = 16;
/** … and so many characters of each of its lines. */
export const MOST_CHARACTERS = 1024;

/**
 * Walks a list of addresses such as `X-Forwarded-For` from right to left, for as long as `trusts` says
 * that whoever wrote the entry can be believed, and returns the address at which it ends: the first one
 * that is not trusted, or the last good one before an entry that is no address, the left end, or the
 * bound. Several lines are one list. Empty entries are skipped, as RFC 9110 asks.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1.2
 */
export function walkBack(
  peer: IpAddress,
  list: string | readonly string[],
  trusts: (address: IpAddress) => boolean,
): IpAddress {
  const lines = typeof list === 'string' ? [list] : list;
  let client = peer;
  let left = MOST_ENTRIES;
  for (let line = lines.length - 1; line >= 0; line--) {
    const text = tailOf(lines[line] ?? '');
    let end = text.length;
    do {
      if (!trusts(client) || left-- === 0) return client;
      const comma = end === 0 ? -1 : text.lastIndexOf(',', end - 1);
      const entry = text.slice(comma + 1, end).trim();
      const address = parseEntry(entry);
      if (address === undefined && entry !== '') return client;
      client = address ?? client;
      end = comma;
    } while (end >= 0);
  }
  return client;
}

/**
 * The address in an entry: alone, or with a port as some proxies write it, `1.2.3.4:5678` or
 * `[2001:db8::1]:443`. An IPv6 address with a port but no brackets cannot be told from a longer address.
 */
export function parseEntry(entry: string): IpAddress | undefined {
  const plain = parseIpAddress(entry);
  if (plain !== undefined) return plain;
  const [, ipv6, ipv4] = /^(?:\[([^\]]*:[^\]]*)\]|([\d.]+)(?=:))(?::\d{1,5})?$/.exec(entry) ?? [];
  return parseIpAddress(ipv6 ?? ipv4 ?? '');
}

/** The end of a line; the entry that it may cut through is spoilt by a `?`, so that half of it counts for nothing. */
function tailOf(line: string): string {
  return line.length <= MOST_CHARACTERS ? line : `?${line.slice(-MOST_CHARACTERS)}`;
}
