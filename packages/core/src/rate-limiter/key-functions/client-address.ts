import {
  integer,
  optional,
  orUndefined,
  resolveOptions,
  shown,
  type CrossCheck,
  type OptionRules,
  type Rule,
} from '../../core/index.ts';
import { parseRanges } from './address-range.ts';
import { walkBack } from './forwarded-for.ts';
import { headerName } from './header-value.ts';
import { blockName } from './ip-address.ts';
import type { KeyedRequest, KeyFunction } from './keyed-request.ts';
import { parseIpAddress, plainIpv4 } from './parse-ip-address.ts';
import { trustIn } from './trusted-proxies.ts';

export interface ClientAddressOptions {
  /**
   * The proxies in front, whose word about the client is believed: addresses, CIDR blocks, `loopback`
   * (127.0.0.0/8, ::1) and `private` (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7). Name none
   * but your own: a client whose address is among them can call itself whatever it likes.
   * @default none: the header is not read
   */
  readonly trustedProxies?: readonly string[];
  /**
   * The header in which they list the addresses they serve, the nearest one last. Only with
   * `trustedProxies`. A header with a single address (`x-real-ip`) is a list of one; RFC 7239's
   * `forwarded` is not read. @default 'x-forwarded-for'
   */
  readonly header?: string;
  /**
   * Leading bits of an IPv6 address that make the key; a household or a machine has at least the other
   * 64 to itself, and could change its key at will. Integer, 1 to 128. @default 64
   */
  readonly ipv6PrefixLength?: number;
}

/** The key of requests whose socket has no address: a Unix socket's, or one destroyed by now. They share a limit. */
export const NO_ADDRESS = 'no-address';

interface Resolved {
  readonly trustedProxies: readonly string[];
  readonly header: string | undefined;
  readonly ipv6PrefixLength: number;
}

const plainListHeader: Rule<string> = {
  expected: `${headerName.expected}, and not 'forwarded', whose syntax is another: have the proxy write 'x-forwarded-for'`,
  accepts: (v): v is string => headerName.accepts(v) && v.toLowerCase() !== 'forwarded',
};

const proxies: Rule<readonly string[]> = {
  expected: "an array of addresses, such as ['10.0.0.0/8', 'loopback']",
  accepts: (v): v is readonly string[] => Array.isArray(v) && v.every(isProxy),
  inside: (v) =>
    (Array.isArray(v) ? [...(v as unknown[]).entries()] : [])
      .filter(([, proxy]) => !isProxy(proxy))
      .map(([index, proxy]) => ({
        option: String(index),
        expected:
          "an IP address, a CIDR block such as '10.0.0.0/8' or '2001:db8::/32', 'loopback' or 'private'; no host name, port or zone",
        got: shown(proxy),
      })),
  resolve: (v) => Object.freeze([...(v as readonly string[])]),
};

const rules: OptionRules<Resolved> = {
  trustedProxies: optional(proxies, () => []),
  header: optional(orUndefined(plainListHeader), () => undefined),
  ipv6PrefixLength: optional(integer(1, 128), () => 64),
};

const headerNeedsProxies: CrossCheck<Resolved> = ({ header, trustedProxies }) =>
  header !== undefined && trustedProxies.length === 0
    ? {
        option: 'header',
        expected:
          'left out unless trustedProxies names who may write it, since any client can send it',
        got: shown(header),
      }
    : undefined;

/**
 * Keys requests by who sent them: an IPv4 address, or the block of an IPv6 address
 * (`2001:db8:0:1::/64`). All forms of an address make one key; an IPv4-mapped one is the IPv4 address.
 *
 * Without `trustedProxies` it is the socket's address and no header counts. With them, the header is
 * walked from its right end for as long as the address that handed it on is trusted: the first one that
 * is not is the client, the leftmost if all are. An entry that is no address ends the walk at the last
 * good one. Whatever a header's size, its last 16 entries are looked at, and 1,024 characters of a line.
 * Never throws. O(1); a socket's IPv4 address is neither parsed into an object nor copied.
 * @throws InvalidOptionsError naming every problem.
 */
export function clientAddress(options: ClientAddressOptions = {}): KeyFunction {
  const resolved = resolveOptions('clientAddress', options, rules, [headerNeedsProxies]);
  const { trustedProxies, header = 'x-forwarded-for', ipv6PrefixLength } = resolved;
  const bySocket: KeyFunction = (request) => socketKey(request, ipv6PrefixLength);
  if (trustedProxies.length === 0) return bySocket;

  const name = header.toLowerCase();
  const trusts = trustIn(trustedProxies.flatMap((proxy) => parseRanges(proxy) ?? []));
  return (request) => {
    const list = request.headers[name];
    const peer = list === undefined ? undefined : parseIpAddress(addressOf(request));
    if (list === undefined || peer === undefined) return bySocket(request);
    return blockName(walkBack(peer, list, trusts), ipv6PrefixLength);
  };
}

function socketKey(request: KeyedRequest, ipv6PrefixLength: number): string {
  const text = addressOf(request);
  const ipv4 = plainIpv4(text);
  if (ipv4 !== undefined) return ipv4;
  const address = parseIpAddress(text);
  return address === undefined ? NO_ADDRESS : blockName(address, ipv6PrefixLength);
}

function addressOf(request: KeyedRequest): string {
  return request.socket?.remoteAddress ?? '';
}

function isProxy(value: unknown): boolean {
  return typeof value === 'string' && parseRanges(value) !== undefined;
}
