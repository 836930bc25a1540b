import { isIP } from 'node:net';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { blockName, isIpv4 } from './ip-address.ts';
import { parseIpAddress, plainIpv4 } from './parse-ip-address.ts';

const group = fc.oneof(
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff }) },
);
const groups = fc.array(group, { minLength: 8, maxLength: 8 });
const octet = fc.integer({ min: 0, max: 255 });
const quad = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));

/** One of the ways to write the groups: case, leading zeros, a dotted quad at the end, any run of zeros as `::`. */
const writings = groups.chain((address) =>
  fc
    .record({
      padded: fc.boolean(),
      upperCase: fc.boolean(),
      dotted: fc.boolean(),
      zone: fc.constantFrom('', '%eth0', '%3'),
      from: fc.integer({ min: 0, max: 7 }),
      length: fc.integer({ min: 1, max: 8 }),
    })
    .map((how) => ({ address, text: written(address, how) })),
);

interface Writing {
  readonly padded: boolean;
  readonly upperCase: boolean;
  readonly dotted: boolean;
  readonly zone: string;
  readonly from: number;
  readonly length: number;
}

function written(address: readonly number[], how: Writing): string {
  const words = address.map((g) => g.toString(16).padStart(how.padded ? 4 : 1, '0'));
  if (how.dotted) {
    const last = address.slice(6).flatMap((g) => [g >> 8, g & 255]);
    words.splice(6, 2, last.join('.'));
  }
  const to = how.from + how.length;
  const isRun = address.slice(how.from, to).every((g) => g === 0);
  const fits = isRun && to <= (how.dotted ? 6 : 8);
  const text = fits
    ? `${words.slice(0, how.from).join(':')}::${words.slice(to).join(':')}`
    : words.join(':');
  return (how.upperCase ? text.toUpperCase() : text) + how.zone;
}

test('every way to write an IPv6 address gives the one name that URLs give it too', () => {
  fc.assert(
    fc.property(writings, ({ address, text }) => {
      const parsed = parseIpAddress(text);
      expect(parsed).toEqual(address);
      if (parsed === undefined || isIpv4(parsed)) return;
      const { hostname } = new URL(`http://[${address.map((g) => g.toString(16)).join(':')}]/`);
      expect(`[${blockName(parsed, 128)}`).toBe(hostname.replace(']', '/128'));
    }),
    { numRuns: 500 },
  );
});

test('an IPv4 address has one name, whether plain or mapped and however that is written', () => {
  fc.assert(
    fc.property(quad, (text) => {
      const { hostname } = new URL(`http://[::ffff:${text}]/`);
      const hexadecimal = hostname.slice(1, -1);
      const long = `0:0:0:0:0:FFFF:${text}`;
      const forms = [text, `::ffff:${text}`, `::FFFF:${text}`, hexadecimal, long];
      const names = forms.map((form) => blockName(parseIpAddress(form) ?? [], 64));
      expect(names).toEqual(forms.map(() => text));
    }),
  );
});

test('it reads what node:net takes for an address, and nothing else', () => {
  const nearly = fc
    .array(
      fc.oneof(
        fc.constantFrom(':', '::', '.', '0', '00', '1', '255', '256', 'ffff', 'AbC', '12345', 'g'),
        fc.constantFrom('::ffff:', '1.2.3.4', '1:2:3:4:5:6:7', ' ', '[', ']', '/', '-', ''),
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join(''));
  const text = fc.oneof(nearly, nearly, fc.string(), quad, fc.ipV4(), fc.ipV6());
  fc.assert(
    fc.property(text, (candidate) => {
      expect(parseIpAddress(candidate) !== undefined).toBe(isIP(candidate) !== 0);
      expect(plainIpv4(candidate) !== undefined).toBe(
        isIP(candidate.replace(/^::ffff:(?=[\d.]+$)/u, '')) === 4,
      );
    }),
    { numRuns: 1500 },
  );
});

test.for([
  { text: '2001:db8:0:1:ffff::1', bits: 64, name: '2001:db8:0:1::/64' },
  { text: '2001:DB8:0:1::', bits: 64, name: '2001:db8:0:1::/64' },
  { text: '2001:db8:ffff:ffff::1', bits: 56, name: '2001:db8:ffff:ff00::/56' },
  { text: '2001:db8:ffff:ffff::1', bits: 33, name: '2001:db8:8000::/33' },
  { text: 'ffff::', bits: 1, name: '8000::/1' },
  { text: '::1', bits: 64, name: '::/64' },
  { text: '::1', bits: 128, name: '::1/128' },
  { text: 'fe80::1%eth0', bits: 64, name: 'fe80::/64' },
  { text: '1:0:0:2:0:0:0:3', bits: 128, name: '1:0:0:2::3/128' },
  { text: '1:0:0:2:3:0:0:4', bits: 128, name: '1::2:3:0:0:4/128' },
  { text: '1:0:2:3:4:5:6:7', bits: 128, name: '1:0:2:3:4:5:6:7/128' },
  // Ends in a dotted quad, yet is no IPv4 address: its last 32 bits are the client's own.
  { text: '2001:db8:0:1::1.2.3.4', bits: 64, name: '2001:db8:0:1::/64' },
  { text: '::1.2.3.4', bits: 64, name: '::/64' },
  { text: '1::ffff:1.2.3.4', bits: 64, name: '1::/64' },
])('$text lies in $name', ({ text, bits, name }) => {
  expect(blockName(parseIpAddress(text) ?? [], bits)).toBe(name);
});

test.for(['fe80::1%', '1.2.3.4%eth0', '01.2.3.4', '1.2.3', '1.2.3.4.5', '1..3.4', ':::', ''])(
  '%s is no address',
  (text) => {
    expect(parseIpAddress(text)).toBeUndefined();
  },
);
