import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { describe, test } from 'vitest';
import { cloneableValues } from '../codec/testing/cloneable-values.ts';
import { assertSameClone } from '../codec/testing/expect-same.ts';
import { decode, decodeThrown, encode, encodeThrown } from './crossing.ts';

const isShared = (name: string): boolean => name.includes('shared memory');

describe('a value in bytes is what structuredClone delivers', () => {
  const crossing = cloneableValues.filter(({ name, way }) => way !== 'none' && !isShared(name));
  test.each(crossing)('$name', ({ make }) => {
    const value = make();
    const arrived = decode(encode(value));
    assert.doesNotThrow(() => assertSameClone(arrived, structuredClone(value)));
  });
});

describe('what cannot leave its process is refused', () => {
  const values: [name: string, make: () => unknown][] = [
    ...cloneableValues
      .filter(({ name, way }) => way === 'none' || isShared(name))
      .map(({ name, make }): [string, () => unknown] => [name, make]),
    ['a Blob', () => new Blob(['a'])],
    ['a key', () => createSecretKey(Buffer.from('secret'))],
    ['a Blob as a cause', () => new Error('with data', { cause: new Blob(['a']) })],
    ['a Blob as a key of a Map', () => new Map([[new Blob(['a']), 1]])],
    ['a Blob in a Set of a cycle', cycleWithBlob],
  ];
  test.each(values)('%s', (_, make) => {
    assert.throws(() => encode(make()));
    assert.throws(() => encode({ deep: [make()] }));
  });
});

test('what is transferred is detached, and arrives as a copy', () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const crossing = encode({ bytes }, [bytes.buffer]);
  assert.equal(bytes.byteLength, 0);
  assert.deepEqual(decode(crossing), { bytes: new Uint8Array([1, 2, 3]) });
});

test('an error that holds what cannot be cloned arrives without that', () => {
  const fault = Object.assign(new TypeError('wrong'), { code: 'E', deep: [(): number => 1] });
  const thrown = decodeThrown(encodeThrown(fault));
  assert.ok('error' in thrown);
  const { name, message, properties } = thrown.error;
  assert.deepEqual(
    { name, message, properties },
    { name: 'TypeError', message: 'wrong', properties: { code: 'E' } },
  );
});

function cycleWithBlob(): unknown {
  const items = new Set<unknown>([new Blob(['a'])]);
  items.add(items);
  return items;
}
