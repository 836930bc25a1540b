import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { NOT_ENCODED, SHAPE_TABLE_BYTES, ValueReader, ValueWriter } from './index.ts';
import { cloneableValues } from './testing/cloneable-values.ts';
import { assertSameClone } from './testing/expect-same.ts';

const BYTES = 64 * 1_024;
/** Often enough that every list of keys has become a shape. */
const ROUNDS = 5;

function pair(): { writer: ValueWriter; reader: ValueReader } {
  const buffer = new SharedArrayBuffer(BYTES);
  const shapes = new SharedArrayBuffer(SHAPE_TABLE_BYTES);
  return { writer: new ValueWriter(buffer, shapes), reader: new ValueReader(buffer, shapes) };
}

const of = (way: string) => cloneableValues.filter((value) => value.way === way);

describe('what the codec writes arrives as structuredClone delivers it', () => {
  test.each(of('codec'))('$name', ({ make }) => {
    const { writer, reader } = pair();
    for (let round = 0; round < ROUNDS; round++) {
      const offset = round * 3;
      const length = writer.encode(make(), offset, BYTES);
      assert.notEqual(length, NOT_ENCODED);
      assertSameClone(reader.decode(offset, length), structuredClone(make()));
    }
  });
});

describe('what the codec does not write is left to postMessage, which clones it', () => {
  test.each(of('port'))('$name', ({ make }) => {
    const { writer } = pair();
    assert.equal(writer.encode(make(), 0, BYTES), NOT_ENCODED);
    assert.equal(writer.encode({ deep: [make()] }, 0, BYTES), NOT_ENCODED);
    assert.doesNotThrow(() => structuredClone(make()));
  });
});

describe('what cannot be cloned is left to postMessage, which says why', () => {
  test.each(of('none'))('$name', ({ make }) => {
    const { writer } = pair();
    assert.equal(writer.encode(make(), 0, BYTES), NOT_ENCODED);
    assert.equal(writer.encode(new Map([['deep', make()]]), 0, BYTES), NOT_ENCODED);
    assert.throws(() => structuredClone(make()));
  });
});
