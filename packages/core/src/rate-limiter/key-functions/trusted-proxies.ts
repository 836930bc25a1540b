import { InvalidOptionsError, shown, type OptionProblem } from '../../core/index.ts';
import { includes, parseRanges } from './address-range.ts';
import type { IpAddress } from './ip-address.ts';
import { parseIpAddress } from './parse-ip-address.ts';

/** Whether a list of proxies has this address. */
export type IsTrustedProxy = (address: string | undefined) => boolean;

/**
 * The test of whether a peer is one of these proxies: addresses, CIDR blocks, `loopback` and `private`, as in
 * `trustedProxies` of {@link clientAddress}. All forms of an address are the same; what is no address is
 * not trusted. O(proxies) a call; without any it costs nothing.
 * @throws InvalidOptionsError naming every entry that is wrong.
 */
export function trustedProxies(proxies: readonly string[]): IsTrustedProxy {
  const ranges = proxies.map(parseRanges);
  const problems = proxies.flatMap((proxy, i): OptionProblem[] =>
    ranges[i] === undefined
      ? [
          {
            option: String(i),
            expected: 'an address, a CIDR block, loopback or private',
            got: shown(proxy),
          },
        ]
      : [],
  );
  if (problems.length > 0) throw new InvalidOptionsError('trustedProxies', problems);
  if (proxies.length === 0) return () => false;
  const trusts = trustIn(ranges.flatMap((range) => range ?? []));
  return (address) => {
    const parsed = address === undefined ? undefined : parseIpAddress(address);
    return parsed !== undefined && trusts(parsed);
  };
}

/** Whether any of these ranges has an address. */
export function trustIn(
  ranges: readonly Parameters<typeof includes>[0][],
): (address: IpAddress) => boolean {
  return (address) => ranges.some((range) => includes(range, address));
}
