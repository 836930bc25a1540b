import { expect, test } from 'vitest';
import { systemRandom } from './random.ts';

test('the system random source draws from 0 up to, but never, 1', () => {
  const draws = Array.from({ length: 10_000 }, () => systemRandom.next());
  expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
  expect(new Set(draws).size).toBeGreaterThan(9_000);
});
