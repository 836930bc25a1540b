import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { test } from 'vitest';
import { NOT_ENCODED, SHAPE_TABLE_BYTES, ValueReader, ValueWriter } from './index.ts';

const BYTES = 64 * 1_024;

function pair(): { writer: ValueWriter; reader: ValueReader; shapes: SharedArrayBuffer } {
  const buffer = new SharedArrayBuffer(BYTES);
  const shapes = new SharedArrayBuffer(SHAPE_TABLE_BYTES);
  return {
    writer: new ValueWriter(buffer, shapes),
    reader: new ValueReader(buffer, shapes),
    shapes,
  };
}

function dictionary(first: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`user-${first + i}`, i]));
}

test('keys that come again travel once', () => {
  const { writer, reader } = pair();
  const order = { number: 1, status: 'open', customer: { name: 'Ada', country: 'GB' } };
  const lengths = Array.from({ length: 6 }, () => writer.encode(order, 0, BYTES));
  assert.deepEqual(reader.decode(0, lengths[5]!), order);
  assert.equal(lengths[5], 17);
  assert.ok(lengths[0]! > 50);
});

test('a reader that comes late knows the shapes that came before it', () => {
  const buffer = new SharedArrayBuffer(BYTES);
  const shapes = new SharedArrayBuffer(SHAPE_TABLE_BYTES);
  const writer = new ValueWriter(buffer, shapes);
  let length = 0;
  for (let i = 0; i < 50; i++) length = writer.encode({ [`a${i % 5}`]: i, b: 2 }, 0, BYTES);
  assert.deepEqual(new ValueReader(buffer, shapes).decode(0, length), { a4: 49, b: 2 });
});

test('objects used as dictionaries leave no trace in the table of shapes', () => {
  const { writer, reader, shapes } = pair();
  for (let i = 0; i < 5_000; i++) {
    const value = dictionary(i * 4);
    assert.deepEqual(reader.decode(0, writer.encode(value, 0, BYTES)), value);
  }
  assert.ok(new Uint8Array(shapes).every((byte) => byte === 0));
});

test('when the table of shapes is full, other objects carry their keys', () => {
  const { writer, reader } = pair();
  for (let round = 0; round < 400; round++) {
    const value = dictionary(round * 4);
    for (let times = 0; times < 5; times++) {
      assert.deepEqual(reader.decode(0, writer.encode(value, 0, BYTES)), value);
    }
  }
  const full = writer.encode(dictionary(1), 0, BYTES);
  assert.equal(writer.encode(dictionary(1), 0, BYTES), full);
});

test('a table that has no room for more keys is full, too', () => {
  const { writer, reader } = pair();
  for (let round = 0; round < 100; round++) {
    const value = { [`${round}${'k'.repeat(1_000)}`]: round };
    for (let times = 0; times < 5; times++) {
      assert.deepEqual(reader.decode(0, writer.encode(value, 0, BYTES)), value);
    }
  }
});

test('without a table of shapes every object carries its keys', () => {
  const buffer = new ArrayBuffer(BYTES);
  const writer = new ValueWriter(buffer);
  const reader = new ValueReader(buffer);
  for (let round = 0; round < 5; round++) {
    assert.deepEqual(reader.decode(0, writer.encode({ a: 1 }, 0, BYTES)), { a: 1 });
  }
});

test('a getter that writes with the same writer gets no place, and spoils nothing', () => {
  const { writer, reader } = pair();
  let inner = 0;
  const value = {
    before: 'a',
    get inside(): number {
      inner = writer.encode({ other: 'value' }, 0, BYTES);
      return 7;
    },
    after: 'b',
  };
  const length = writer.encode(value, 0, BYTES);
  assert.equal(inner, NOT_ENCODED);
  assert.deepEqual(reader.decode(0, length), { before: 'a', inside: 7, after: 'b' });
});

test('a getter is called once, and what it throws is not thrown on', () => {
  const { writer } = pair();
  let calls = 0;
  const value = {
    get field(): never {
      calls++;
      throw new Error('not now');
    },
  };
  assert.equal(writer.encode(value, 0, BYTES), NOT_ENCODED);
  assert.equal(calls, 1);
  assert.equal(writer.encode('next', 0, BYTES), 5);
});

test('a value changed by its own getters is read as it was met', () => {
  const { writer, reader } = pair();
  const map = new Map<string, unknown>([['a', 1]]);
  map.set('b', {
    get grow(): number {
      return map.set('c', 3).size;
    },
  });
  assert.equal(writer.encode(map, 0, BYTES), NOT_ENCODED);
  const object: Record<string, unknown> = {
    get a(): string {
      delete object['b'];
      object['d'] = 4;
      return 'a';
    },
    b: 2,
    c: 3,
  };
  const length = writer.encode(object, 0, BYTES);
  assert.deepEqual(reader.decode(0, length), { a: 'a', c: 3 });
});

test('a nesting of 100,000 levels is left to postMessage', () => {
  const { writer } = pair();
  let value: unknown = 1;
  for (let level = 0; level < 100_000; level++) value = { value };
  assert.equal(writer.encode(value, 0, BYTES), NOT_ENCODED);
});

test('a limit beyond the memory is the end of the memory', () => {
  const buffer = new ArrayBuffer(8);
  const writer = new ValueWriter(buffer);
  assert.equal(writer.encode('seven l', 0, 1_000), 8);
  assert.equal(writer.encode('eight le', 0, 1_000), NOT_ENCODED);
});

test('while Object.prototype has enumerable properties everything is left to postMessage', () => {
  const { writer } = pair();
  const prototype = Object.prototype as Record<string, unknown>;
  prototype['polluted'] = true;
  try {
    assert.equal(writer.encode({ a: 1 }, 0, BYTES), NOT_ENCODED);
  } finally {
    delete prototype['polluted'];
  }
  assert.notEqual(writer.encode({ a: 1 }, 0, BYTES), NOT_ENCODED);
});

test('a value that was overwritten before it was read is noticed where its length differs', () => {
  const { writer, reader } = pair();
  const length = writer.encode('a text', 0, BYTES);
  writer.encode(7, 0, BYTES);
  assert.throws(() => reader.decode(0, length), RangeError);
});

test('a worker that has changed its globals reads and writes as before', async () => {
  const buffer = new SharedArrayBuffer(BYTES);
  const shapes = new SharedArrayBuffer(SHAPE_TABLE_BYTES);
  const writer = new ValueWriter(buffer, shapes);
  const value = { a: 1, b: ['x', 2n, new Map([['k', new Date(5)]])], c: new Uint8Array(100) };
  let length = 0;
  for (let round = 0; round < 5; round++) length = writer.encode(value, 0, BYTES);
  const module = new URL('./index.ts', import.meta.url).href;
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     import(workerData.module).then(({ ValueReader, ValueWriter }) => {
       const reader = new ValueReader(workerData.buffer, workerData.shapes);
       const writer = new ValueWriter(workerData.buffer);
       String.fromCharCode = Reflect.apply = Array.isArray = Object.keys = () => 'changed';
       Array.prototype.push = Map.prototype.set = DataView.prototype.getFloat64 = () => 'changed';
       DataView.prototype.setFloat64 = Buffer.prototype.copy = Date.prototype.getTime = () => 1;
       const value = reader.decode(0, workerData.length);
       parentPort.postMessage(writer.encode(value, 0, workerData.buffer.byteLength));
     });`,
    { eval: true, workerData: { buffer, shapes, module, length } },
  );
  const [answer] = (await once(worker, 'message')) as [number];
  await worker.terminate();
  assert.deepEqual(new ValueReader(buffer).decode(0, answer), value);
});
