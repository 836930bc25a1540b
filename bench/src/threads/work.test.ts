import { expect, test } from 'vitest';
import { callersOf, saturate, timedCalls, totals } from './drive.ts';
import type { Pool } from './pool.ts';
import { bytes, Caller, nothing, oneKilobyteObject } from './work.ts';

/** A pool without a thread, which answers one call in `every` with something else. */
const answering = (every = Number.POSITIVE_INFINITY): Pool => {
  let calls = 0;
  return {
    caller: () => async (value) => (++calls % every === 0 ? 'wrong' : value),
    close: async () => undefined,
  };
};

test('the object of 1 KB is that large as JSON', () => {
  const length = JSON.stringify(oneKilobyteObject.fresh()).length;
  expect(length).toBeGreaterThan(1000);
  expect(length).toBeLessThan(1048);
});

test('an answer is right when it is the value that was sent', () => {
  const eight = bytes(8, false);
  expect(eight.isRight(eight.fresh())).toBe(true);
  expect(eight.isRight(new Uint8Array(8))).toBe(false);
  expect(eight.isRight(bytes(9, false).fresh())).toBe(false);
  expect(oneKilobyteObject.isRight(structuredClone(oneKilobyteObject.fresh()))).toBe(true);
  expect(nothing.isRight(undefined)).toBe(false);
});

test('every call of a load is counted, and so is every wrong answer', async () => {
  const callers = callersOf(answering(3), nothing, 30);
  const done = await saturate(callers, 0);
  expect(done).toMatchObject({ operations: 30, right: 20 });
  expect(totals(callers)).toEqual({ operations: 30, right: 20 });
});

test('a load of no time is still one call of every caller, and each time is noted', async () => {
  const caller = new Caller(answering(), nothing);
  expect(await timedCalls(caller, 0)).toHaveLength(1);
  expect(caller.right).toBe(1);
});
