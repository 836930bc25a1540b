import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { MOST_CHARACTERS, MOST_ENTRIES, parseEntry, walkBack } from './forwarded-for.ts';
import { blockName, type IpAddress } from './ip-address.ts';
import { parseIpAddress } from './parse-ip-address.ts';

const address = (text: string): IpAddress => parseIpAddress(text) ?? [];
const name = (of: IpAddress): string => blockName(of, 128);
/** Trusts 10.0.0.0/8, as the address of whoever handed the request on too. */
const trusts = (of: IpAddress): boolean => name(of).startsWith('10.');
const walk = (list: string | readonly string[], peer = '10.0.0.1'): string =>
  name(walkBack(address(peer), list, trusts));

test.for([
  { title: 'one entry', list: '1.1.1.1', client: '1.1.1.1' },
  { title: 'the nearest of two untrusted ones', list: '9.9.9.9, 1.1.1.1', client: '1.1.1.1' },
  {
    title: 'past trusted proxies',
    list: '9.9.9.9,1.1.1.1 ,\t10.0.0.2, 10.0.0.3',
    client: '1.1.1.1',
  },
  { title: 'the leftmost if all are trusted', list: '10.0.0.4, 10.0.0.3', client: '10.0.0.4' },
  { title: 'no further than a word', list: '1.1.1.1, unknown, 10.0.0.2', client: '10.0.0.2' },
  { title: 'no further than a broken address', list: '1.1.1.1, 10.0.0.256', client: '10.0.0.1' },
  { title: 'past empty entries', list: '1.1.1.1,, ,10.0.0.2, ', client: '1.1.1.1' },
  { title: 'nothing in an empty header', list: '', client: '10.0.0.1' },
  { title: 'nothing in an empty list', list: [], client: '10.0.0.1' },
  {
    title: 'several lines as one list',
    list: ['9.9.9.9', '1.1.1.1', '10.0.0.2'],
    client: '1.1.1.1',
  },
  {
    title: 'lines of several entries',
    list: ['9.9.9.9, 1.1.1.1', '', '10.0.0.2'],
    client: '1.1.1.1',
  },
  {
    title: 'a broken entry in an earlier line',
    list: ['1.1.1.1', 'x', '10.0.0.2'],
    client: '10.0.0.2',
  },
  { title: 'an IPv6 client', list: '2001:DB8::1, 10.0.0.2', client: '2001:db8::1/128' },
  { title: 'a mapped trusted proxy', list: '1.1.1.1, ::ffff:10.0.0.2', client: '1.1.1.1' },
])('the walk finds: $title', ({ list, client }) => {
  expect(walk(list)).toBe(client);
});

test('nothing is read of a list that an untrusted peer sent', () => {
  expect(walk('10.0.0.9, 10.0.0.8', '1.1.1.1')).toBe('1.1.1.1');
});

test.for([
  { entry: '1.2.3.4:5678', found: '1.2.3.4' },
  { entry: '[2001:db8::1]:443', found: '2001:db8::1/128' },
  { entry: '[2001:db8::1]', found: '2001:db8::1/128' },
  { entry: '[fe80::1%eth0]:443', found: 'fe80::1/128' },
  { entry: 'FE80::1%25eth0', found: 'fe80::1/128' },
  { entry: '[::ffff:1.2.3.4]:80', found: '1.2.3.4' },
  { entry: '::ffff:102:304', found: '1.2.3.4' },
])('the entry $entry is $found', ({ entry, found }) => {
  expect(name(parseEntry(entry) ?? [])).toBe(found);
});

const notEntries =
  `1.2.3.4: 1.2.3.4:http 1.2.3.4:123456 :80 [1.2.3.4]:80 [::1 ::1] [] [::1]443 [::1]:
  "1.2.3.4" for=1.2.3.4 localhost:80 -`.split(/\s+/u);

test.for([...notEntries, '1.2.3.4 5.6.7.8'])('the entry %s is no address', (entry) => {
  expect(parseEntry(entry)).toBeUndefined();
});

test('of a long list, the last 16 entries are looked at', () => {
  const hops = (count: number): string => `1.1.1.1${', 10.0.0.2'.repeat(count)}`;
  expect(walk(hops(MOST_ENTRIES - 1))).toBe('1.1.1.1');
  expect(walk(hops(MOST_ENTRIES))).toBe('10.0.0.2');
  expect(walk(`1.1.1.1${','.repeat(MOST_ENTRIES)}`)).toBe('10.0.0.1');
  expect(walk(['1.1.1.1', ...Array.from({ length: MOST_ENTRIES }, () => '')])).toBe('10.0.0.1');
});

test('of a long line, the last 1,024 characters are looked at, and no entry is cut in two', () => {
  const spaces = (count: number): string => ' '.repeat(count);
  const rest = MOST_CHARACTERS - '1.1.1.1,'.length;
  expect(walk(`1.1.1.1,${spaces(rest)}`)).toBe('1.1.1.1');
  expect(walk(`41.1.1.1,${spaces(rest)}`)).toBe('10.0.0.1');
  expect(walk(`${'x'.repeat(100_000)}, 1.1.1.1`)).toBe('1.1.1.1');
});

test('whatever is in the list, the walk ends at an address and does not throw', () => {
  const part = fc.oneof(
    fc.string(),
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom('10.0.0.9', ',', '%', '['),
  );
  const line = fc.array(part).map((parts) => parts.join(','));
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      expect(walkBack(address('10.0.0.1'), lines, trusts)).toHaveLength(8);
    }),
  );
});

test('several lines are the one list that they make when joined', () => {
  const entry = fc.oneof(fc.ipV4(), fc.constantFrom('10.0.0.9', '10.0.0.8:80', '', 'x'));
  const lines = fc.array(fc.array(entry, { maxLength: 4 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(lines, (entries) => {
      const list = entries.map((of) => of.join(', '));
      expect(walk(list)).toBe(walk(list.join(', ')));
    }),
  );
});
