import { expect, test } from 'vitest';
import { isLargerThan } from './rough-size.ts';

const cycle: unknown[] = [];
cycle.push(cycle, cycle);

test.each([
  { what: 'a text', value: 'x'.repeat(1001), isLarger: true },
  { what: 'a short text', value: 'x'.repeat(900), isLarger: false },
  {
    what: 'a view of a large buffer',
    value: new Uint8Array(new ArrayBuffer(5000), 0, 9),
    isLarger: false,
  },
  {
    what: 'bytes deep inside',
    value: { a: [new Map([['k', new Uint8Array(2000)]])] },
    isLarger: true,
  },
  { what: 'many small parts', value: Array.from({ length: 2000 }, () => 0), isLarger: true },
  { what: 'a set of texts', value: new Set(['x'.repeat(600), 'y'.repeat(600)]), isLarger: true },
  { what: 'names of fields', value: { ['x'.repeat(1200)]: 1 }, isLarger: true },
  { what: 'something without parts', value: null, isLarger: false },
  { what: 'a cycle', value: cycle, isLarger: true },
])('$what takes more than 1000 bytes: $isLarger', ({ value, isLarger }) => {
  expect(isLargerThan(value, 1000)).toBe(isLarger);
});
