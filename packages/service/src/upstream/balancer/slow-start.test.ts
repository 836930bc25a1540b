import { expect, test } from 'vitest';

import { slowStartWeight } from './slow-start.ts';

test('a target that starts slowly gets a tenth of its share at first, and all of it in a straight line', () => {
  const steps = [
    { sinceMs: 0, is: 0.1 },
    { sinceMs: 1000, is: 0.1 },
    { sinceMs: 2500, is: 0.25 },
    { sinceMs: 9999, is: 0.9999 },
    { sinceMs: 10_000, is: 1 },
    { sinceMs: Infinity, is: 1 },
  ];
  for (const { sinceMs, is } of steps) expect(slowStartWeight(sinceMs, 10_000)).toBe(is);
  expect(slowStartWeight(0, 0)).toBe(1);
});
