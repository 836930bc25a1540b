import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { legacyFields, limitItem, policyItem, type LimitState } from './limit-fields.ts';

const state = (more: Partial<LimitState['quota']> & { nextMs?: number }): LimitState => {
  const quota = {
    limit: 100,
    remaining: 50,
    windowMs: 1,
    safeWindowMs: 1000,
    resetMs: 500,
    ...more,
  };
  return { quota, nextMs: more.nextMs ?? 10 };
};

test.each([
  [1000, '"public";q=100;w=1'],
  [60_000, '"public";q=100;w=60'],
  [1000 + 1e-10, '"public";q=100;w=1'],
  [1001, '"public";q=100;w=2'],
  [1500, '"public";q=100;w=2'],
  [3.7, '"public";q=100;w=1'],
  [1e300, '"public";q=100'],
])('the policy of 100 in %d ms is %s', (safeWindowMs, item) => {
  expect(policyItem('public', state({ safeWindowMs }))).toBe(item);
});

test.each([
  [0, '"public";r=50;t=0'],
  [0.001, '"public";r=50;t=1'],
  [1000, '"public";r=50;t=1'],
  [1001, '"public";r=50;t=2'],
  [1e300, '"public";r=50'],
])('the limit whose next permit is due in %d ms is %s', (nextMs, item) => {
  expect(limitItem('public', state({ nextMs }))).toBe(item);
});

test('the older fields say when all of the limit is there again, in seconds', () => {
  expect(legacyFields(state({ resetMs: 1500 }))).toEqual({
    limit: '100',
    remaining: '50',
    reset: '2',
  });
});

/** @see https://www.rfc-editor.org/rfc/rfc9651#section-3.3.1 */
const ITEM = /^"[A-Za-z0-9][\w-]{0,63}"(?:;[a-z]=\d{1,15})+$/;

test('every item is one of a structured field, whatever the limit', () => {
  const ms = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(ms, ms, fc.integer({ min: 1, max: 1e9 }), (safeWindowMs, nextMs, limit) => {
      expect(policyItem('a-b_C', state({ safeWindowMs, limit }))).toMatch(ITEM);
      expect(limitItem('a-b_C', state({ nextMs, limit }))).toMatch(ITEM);
    }),
  );
});
