import { BlockList, isIPv6 } from 'node:net';

/** Whether the word of a peer about where a request came from is believed, by its address. */
export type IsTrusted = (address: string | undefined) => boolean;

/** @param proxies addresses and blocks: `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`. O(their number) a call; none costs nothing. */
export function trustedPeers(proxies: readonly string[]): IsTrusted {
  if (proxies.length === 0) return () => false;
  const list = new BlockList();
  for (const proxy of proxies) {
    const [address = '', bits] = proxy.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => {
    if (address === undefined) return false;
    // How a socket for both families writes an address of the older one.
    const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
    return list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
  };
}
