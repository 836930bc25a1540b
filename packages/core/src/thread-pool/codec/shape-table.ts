import type { Memory } from './memory.ts';
import * as native from './intrinsics.ts';
import { endOfText, readText, writeText } from './text.ts';

/*
 * The table: for each shape the place of its entry, four bytes each; then the entries. An entry is the
 * count of the keys in a byte and the keys as texts. Entries are only ever added, so whatever refers to
 * one can be read at any time, or never.
 */

/** Shapes that a table holds; a shape's number is a byte. */
export const MAX_SHAPES = 256;
/** Keys of the largest shape. */
export const MAX_SHAPE_KEYS = 64;
/** Bytes of a table of shapes. */
export const SHAPE_TABLE_BYTES: number = 64 * 1_024;
const FIRST_ENTRY = 4 * MAX_SHAPES;

/** Writes the keys of shape `id` at `at` and returns the place behind them. @throws REFUSED if the table is full */
export function writeShape(table: Memory, id: number, keys: readonly string[], at: number): number {
  const place = Math.max(at, FIRST_ENTRY);
  let end = place + 1;
  for (let i = 0; i < keys.length; i++) end = writeText(table, keys[i]!, end, table.byteLength);
  table.bytes[place] = keys.length;
  native.setUint32(table.numbers, 4 * id, place, true);
  return end;
}

/** The keys of shape `id`. */
export function readShape(table: Memory, id: number): readonly string[] {
  const place = native.getUint32(table.numbers, 4 * id, true);
  const count = table.bytes[place]!;
  const keys: string[] = [];
  let at = place + 1;
  for (let i = 0; i < count; i++) {
    keys[i] = readText(table, at);
    at = endOfText(table, at);
  }
  return keys;
}
