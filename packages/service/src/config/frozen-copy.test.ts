import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { frozenCopy } from './frozen-copy.ts';

test('the copy is equal and frozen to the bottom, the original is left as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const before = JSON.stringify(value);
      const copy = frozenCopy(value);
      expect(copy).toEqual(value);
      expect(JSON.stringify(value)).toBe(before);
      expectFrozen(copy);
    }),
  );
});

test('functions and instances stay the same ones, and are not frozen', () => {
  const handler = (): void => {};
  const given = { handler, connections: new Map([['a', 1]]), at: new Date(0) };
  const copy = frozenCopy(given);
  expect(copy.handler).toBe(handler);
  expect(copy.connections).toBe(given.connections);
  expect(Object.isFrozen(copy.at)).toBe(false);
  expect(Object.isFrozen(handler)).toBe(false);
});

test('an entry that is undefined is left out', () => {
  expect(Object.keys(frozenCopy({ a: undefined, b: 1 }))).toEqual(['b']);
});

test('a circle and a key __proto__ are copied as what they are', () => {
  const circle: Record<string, unknown> = { name: 'a' };
  circle['self'] = circle;
  const copy = frozenCopy(circle);
  expect(copy['self']).toBe(copy);
  const odd = frozenCopy(
    JSON.parse('{"__proto__": {"polluted": true}}') as Record<string, unknown>,
  );
  expect(Object.keys(odd)).toEqual(['__proto__']);
  expect(odd['polluted']).toBeUndefined();
});

function expectFrozen(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  expect(Object.isFrozen(value)).toBe(true);
  for (const entry of Object.values(value)) expectFrozen(entry);
}
