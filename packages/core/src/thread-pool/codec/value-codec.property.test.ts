import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { test } from 'vitest';
import { NOT_ENCODED, SHAPE_TABLE_BYTES, ValueReader, ValueWriter } from './index.ts';
import { assertSameClone } from './testing/expect-same.ts';

const BYTES = 64 * 1_024;
const UNTOUCHED = 0xaa;

const key = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'c', '__proto__', 'toString', '0', '7', '') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
);

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ maxLength: 300 }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
);

const leaf = [
  text,
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constantFrom(undefined, null, -0, 63, 64, 2 ** 31),
  fc.bigInt(),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array({ maxLength: 100 }),
];

/** Anything that the codec writes. */
const value = fc.anything({
  key,
  values: leaf,
  maxDepth: 4,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withTypedArray: true,
  withSparseArray: true,
  withBigInt: true,
  withDate: true,
});

interface Pair {
  readonly bytes: Uint8Array;
  readonly writer: ValueWriter;
  readonly reader: ValueReader;
}

function pair(): Pair {
  const buffer = new SharedArrayBuffer(BYTES);
  const shapes = new SharedArrayBuffer(SHAPE_TABLE_BYTES);
  return {
    bytes: new Uint8Array(buffer),
    writer: new ValueWriter(buffer, shapes),
    reader: new ValueReader(buffer, shapes),
  };
}

test('whatever is written, at whatever offset and however often, is read as structuredClone delivers it', () => {
  fc.assert(
    fc.property(value, fc.nat(20), (original, offset) => {
      const { writer, reader } = pair();
      for (let round = 0; round < 5; round++) {
        const length = writer.encode(original, offset, BYTES);
        fc.pre(length !== NOT_ENCODED); // An array may have more holes than there is room for.
        assertSameClone(reader.decode(offset, length), structuredClone(original));
      }
    }),
    { numRuns: 1_000 },
  );
});

test('with whatever room a value is written whole or not at all, and nothing outside of its room changes', () => {
  fc.assert(
    fc.property(value, fc.nat(20), fc.nat(4), (original, offset, rounds) => {
      const { bytes, writer, reader } = pair();
      let length = NOT_ENCODED;
      // So often that most keys have become shapes.
      for (let round = 0; round < 5 + rounds; round++) {
        length = writer.encode(original, offset, BYTES);
      }
      fc.pre(length !== NOT_ENCODED);
      const step = 1 + Math.floor(length / 100);
      for (let room = 0; room < length; room += step) {
        bytes.fill(UNTOUCHED, 0, offset + length + 8);
        const written = writer.encode(original, offset, offset + room);
        // It may take less than before, as keys that collide become shapes later than others.
        if (written === NOT_ENCODED) assert.ok(writer.wantsRoom);
        else assertSameClone(reader.decode(offset, written), structuredClone(original));
        assert.ok(written <= room);
        assert.ok(isUntouched(bytes.subarray(0, offset)));
        assert.ok(isUntouched(bytes.subarray(offset + room, offset + length + 8)));
      }
      const whole = writer.encode(original, offset, offset + length);
      assert.ok(whole !== NOT_ENCODED && whole <= length);
      assertSameClone(reader.decode(offset, whole), structuredClone(original));
    }),
    { numRuns: 300 },
  );
});

function isUntouched(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === UNTOUCHED);
}

test('values that are read late, twice or never spoil none of the others', () => {
  const shaped = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.oneof(fc.nat(), text));
  const step = fc.record({
    value: fc.oneof(shaped, shaped, fc.array(shaped), value),
    room: fc.constantFrom(5, 40, BYTES / 16),
    reads: fc.constantFrom(0, 0, 1, 1, 2),
    late: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
      const { writer, reader } = pair();
      const kept: (() => void)[] = [];
      for (const [place, { value: original, room, reads, late }] of steps.entries()) {
        const offset = (place % 16) * (BYTES / 16);
        const length = writer.encode(original, offset, offset + room);
        const read = (): void => {
          assertSameClone(reader.decode(offset, length), structuredClone(original));
        };
        if (length === NOT_ENCODED) continue;
        for (let count = 0; count < reads; count++) {
          if (!late) read();
          // Its place is written again sixteen steps later.
          else if (place >= steps.length - 16) kept.push(read);
        }
      }
      for (const read of kept) read();
    }),
    { numRuns: 200 },
  );
});
