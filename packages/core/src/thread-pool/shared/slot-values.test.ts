import { expect, test } from 'vitest';
import { SHAPE_TABLE_BYTES } from '../codec/index.ts';
import { LARGE_BYTES, LARGE_ROOMS, Mailbox, PAYLOAD_BYTES } from './mailbox.ts';
import { SlotValues } from './slot-values.ts';

/** Both sides of a mailbox, in one thread. */
function bothSides(): { main: SlotValues; worker: SlotValues } {
  const { buffer } = new Mailbox();
  const inputs = new SharedArrayBuffer(SHAPE_TABLE_BYTES);
  const results = new SharedArrayBuffer(SHAPE_TABLE_BYTES);
  const side = (name: 'main' | 'worker'): SlotValues =>
    new SlotValues(name, new Mailbox(buffer), { inputs, results });
  return { main: side('main'), worker: side('worker') };
}

const large = new Uint8Array(2 * PAYLOAD_BYTES).fill(7);

test('values of each size up to that of a large room cross in memory, both ways', () => {
  const { main, worker } = bothSides();
  for (const size of [0, 1, 4000, PAYLOAD_BYTES, 20_000, LARGE_BYTES - 100]) {
    const value = new Uint8Array(size).fill(size & 255);
    expect(main.write(5, value)).toBe(true);
    expect(worker.read(5)).toEqual(value);
    expect(worker.write(5, value)).toBe(true);
    expect(main.read(5)).toEqual(value);
  }
  expect(main.write(5, new Uint8Array(LARGE_BYTES + 1))).toBe(false);
  expect(main.write(5, () => 1)).toBe(false);
});

test('a large room is used by one value at a time, and free again when that was read', () => {
  const { main, worker } = bothSides();
  for (let slot = 0; slot < LARGE_ROOMS; slot++) expect(main.write(slot, large)).toBe(true);
  expect(main.write(LARGE_ROOMS, large)).toBe(false);
  expect(worker.write(LARGE_ROOMS, large)).toBe(true);
  expect(worker.read(3)).toEqual(large);
  expect(main.write(3, large)).toBe(true);
  expect(main.write(LARGE_ROOMS + 1, large)).toBe(false);
});

test('a large room is free again when nobody will read its value, and when the value did not fit', () => {
  const { main, worker } = bothSides();
  for (let i = 0; i < 3 * LARGE_ROOMS; i++) {
    expect(main.write(0, new Uint8Array(LARGE_BYTES + 1))).toBe(false);
    expect(main.write(1, large)).toBe(true);
    worker.discard(1);
  }
  expect(main.write(2, 'small')).toBe(true);
  worker.discard(2);
  expect(worker.read(2)).toBe('small');
});
