import { isIpv4, maskAt, type IpAddress } from './ip-address.ts';
import { parseIpAddress } from './parse-ip-address.ts';

/** A block of addresses: all that begin with the first `bits` bits of `base`. */
export interface AddressRange {
  readonly base: IpAddress;
  readonly bits: number;
}

/** Bits of an IPv4-mapped address that stand before the IPv4 address. */
const MAPPED_BITS = 96;

/** Words that stand for the usual blocks. `private` is RFC 1918 and RFC 4193, nothing else. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

/** The blocks that an address, a CIDR block, `loopback` or `private` stands for; undefined for other text. */
export function parseRanges(text: string): readonly AddressRange[] | undefined {
  const texts = Object.hasOwn(NAMED, text) ? (NAMED[text] ?? []) : [text];
  const ranges = texts.map(parseRange).filter((range) => range !== undefined);
  return ranges.length === texts.length ? ranges : undefined;
}

/** Whether the block holds the address. An IPv6 block never holds an IPv4 address, not even `::/0`. */
export function includes(range: AddressRange, address: IpAddress): boolean {
  const { base, bits } = range;
  for (let index = 0; index * 16 < bits; index++) {
    const differing = (base[index] ?? 0) ^ (address[index] ?? 0);
    if (differing & maskAt(index, bits)) return false;
  }
  return bits >= MAPPED_BITS || !isIpv4(address);
}

function parseRange(text: string): AddressRange | undefined {
  const [, address = '', length] = /^([\da-f:.]+)(?:\/(0|[1-9]\d{0,2}))?$/i.exec(text) ?? [];
  const base = parseIpAddress(address);
  if (base === undefined) return undefined;
  const before = address.includes(':') ? 0 : MAPPED_BITS;
  const bits = before + Number(length ?? 128 - before);
  return bits <= 128 ? { base, bits } : undefined;
}
