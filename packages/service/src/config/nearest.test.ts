import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { editDistance, nearest } from './nearest.ts';

test('a mistyped name finds the one that was meant', () => {
  const keys = ['ratePerSecond', 'capacity', 'algorithm'];
  expect(nearest('capactiy', keys)).toBe('capacity');
  expect(nearest('ratePerSecnd', keys)).toBe('ratePerSecond');
  expect(nearest('pubic', ['private', 'public'])).toBe('public');
});

test('case, underscores and hyphens do not count', () => {
  expect(nearest('rate_per_second', ['ratePerSecond'])).toBe('ratePerSecond');
  expect(nearest('get', ['GET', 'PUT'])).toBe('GET');
  expect(nearest('Max-Body-Bytes', ['maxBodyBytes'])).toBe('maxBodyBytes');
});

test('a name that is far from all of them finds none', () => {
  expect(nearest('upstream', ['limiter', 'breaker', 'pool'])).toBeUndefined();
  expect(nearest('io', ['db'])).toBeUndefined();
  expect(nearest('anything', [])).toBeUndefined();
  expect(nearest('x'.repeat(65), ['x'.repeat(65)])).toBeUndefined();
});

test('of two that are equally near the first is taken', () => {
  expect(nearest('pool1', ['pool2', 'pool3'])).toBe('pool2');
});

test('the edit distance counts insertions, deletions, replacements and swaps', () => {
  const cases: [string, string, number][] = [
    ['', '', 0],
    ['', 'abc', 3],
    ['port', 'prt', 1],
    ['port', 'portt', 1],
    ['port', 'part', 1],
    ['port', 'prot', 1],
    ['kitten', 'sitting', 3],
  ];
  for (const [a, b, distance] of cases) expect(editDistance(a, b), `${a} ${b}`).toBe(distance);
});

test('the edit distance is the same both ways, 0 for equal names alone, and at most the longer length', () => {
  const name = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', 'c') });
  fc.assert(
    fc.property(name, name, (a, b) => {
      const distance = editDistance(a, b);
      expect(distance).toBe(editDistance(b, a));
      expect(distance === 0).toBe(a === b);
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
    }),
  );
});
