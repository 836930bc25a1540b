import { BlockList } from 'node:net';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { includes, parseRanges } from './address-range.ts';
import { parseIpAddress } from './parse-ip-address.ts';

const holds = (range: string, address: string): boolean =>
  parseRanges(range)?.some((block) => includes(block, parseIpAddress(address) ?? [])) ?? false;

test.for([
  { range: '10.0.0.0/8', inside: '10.255.255.255', outside: '11.0.0.0' },
  { range: '10.1.2.3', inside: '10.1.2.3', outside: '10.1.2.4' },
  { range: '10.1.2.3/31', inside: '10.1.2.2', outside: '10.1.2.4' },
  { range: '0.0.0.0/0', inside: '255.1.2.3', outside: '::1' },
  { range: '::/0', inside: 'ffff::1', outside: '1.2.3.4' },
  { range: '10.0.0.0/8', inside: '::ffff:10.0.0.1', outside: '::10.0.0.1' },
  { range: '::ffff:10.0.0.0/104', inside: '10.9.9.9', outside: '9.9.9.9' },
  { range: '2001:DB8::/33', inside: '2001:db8:7fff::1', outside: '2001:db8:8000::1' },
  { range: '2001:db8::1', inside: '2001:db8:0::1', outside: '2001:db8::2' },
  { range: 'loopback', inside: '127.8.9.1', outside: '128.0.0.1' },
  { range: 'loopback', inside: '::1', outside: '::2' },
  { range: 'private', inside: '10.0.0.1', outside: '100.64.0.1' },
  { range: 'private', inside: '172.31.255.255', outside: '172.32.0.0' },
  { range: 'private', inside: '192.168.0.1', outside: '192.169.0.1' },
  { range: 'private', inside: 'fdff::1', outside: 'fe80::1' },
])('$range holds $inside and not $outside', ({ range, inside, outside }) => {
  expect([holds(range, inside), holds(range, outside)]).toEqual([true, false]);
});

const notRanges =
  `10.0.0.0/33 2001:db8::/129 10.0.0.0/ 10.0.0.0/08 10.0.0.0/-1 10.0.0.0/8/8 10.0.0 *
  localhost Loopback fe80::1%eth0 1.2.3.4:80 [::1] toString 10.0.0.0/255.0.0.0`.split(/\s+/u);

test.for([...notRanges, ' 1.2.3.4', ''])('%j is no range of addresses', (text) => {
  expect(parseRanges(text)).toBeUndefined();
});

test('a block holds what the BlockList of node:net says that it holds', () => {
  const cases = fc.oneof(
    fc.tuple(fc.ipV4(), fc.ipV4(), fc.integer({ min: 1, max: 32 }), fc.constant('ipv4' as const)),
    fc.tuple(fc.ipV6(), fc.ipV6(), fc.integer({ min: 1, max: 128 }), fc.constant('ipv6' as const)),
  );
  fc.assert(
    fc.property(cases, fc.boolean(), ([base, other, bits, family], same) => {
      const blocks = new BlockList();
      blocks.addSubnet(base, bits, family);
      const address = same ? base : other;
      expect(holds(`${base}/${bits}`, address)).toBe(blocks.check(address, family));
    }),
  );
});
