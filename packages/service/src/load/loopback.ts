import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** Addresses that reach this machine only. As a destination, 0.0.0.0 and :: are this machine too. */
const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('0.0.0.0', 'ipv4');
loopback.addAddress('::1', 'ipv6');
loopback.addAddress('::', 'ipv6');

/**
 * Whether a URL's host is this machine. Of names only `localhost` counts: what `x.localhost` means is
 * for the resolver to say, and some ask the network.
 */
export function isLoopback(url: URL): boolean {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIPv4(host)) return loopback.check(host, 'ipv4');
  if (isIPv6(host)) return loopback.check(host, 'ipv6');
  return host === 'localhost';
}
