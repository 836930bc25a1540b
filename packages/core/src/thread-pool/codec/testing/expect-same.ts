import assert from 'node:assert/strict';
import { types } from 'node:util';

/**
 * Throws unless two values are the same in all that a structured clone keeps: kinds, prototypes, keys and
 * their order, holes, -0, and which objects occur more than once.
 */
export function assertSameClone(actual: unknown, expected: unknown): void {
  assert.deepStrictEqual(actual, expected);
  compare(actual, expected, new Map());
}

function compare(actual: unknown, expected: unknown, met: Map<object, object>): void {
  if (typeof expected !== 'object' || expected === null) {
    assert.ok(Object.is(actual, expected));
    return;
  }
  assert.ok(typeof actual === 'object' && actual !== null);
  assert.equal(Object.getPrototypeOf(actual), Object.getPrototypeOf(expected));
  const known = met.get(expected);
  assert.ok(known === undefined ? !isIn(met, actual) : known === actual, 'identity is kept');
  if (known !== undefined) return;
  met.set(expected, actual);
  assert.deepEqual(Reflect.ownKeys(actual), Reflect.ownKeys(expected));
  if (types.isArrayBufferView(expected)) return;
  for (const key of Reflect.ownKeys(expected)) {
    compare(Reflect.get(actual, key), Reflect.get(expected, key), met);
  }
  if (types.isMap(expected) || types.isSet(expected)) {
    compare([...(actual as Iterable<unknown>)], [...expected], met);
  }
}

function isIn(met: Map<object, object>, value: object): boolean {
  for (const known of met.values()) if (known === value) return true;
  return false;
}
