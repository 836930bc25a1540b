import { SHORT_TEXT, Tag } from './format.ts';
import * as native from './intrinsics.ts';
import { FULL, type Memory, lengthBytes, readLength, writeLength } from './memory.ts';

/** Up to here a loop over the characters is faster than a call into native code (measured). */
const LOOP_WRITES = 24;
const LOOP_READS = 32;
const MAX_LATIN1 = 0xff;

// V8 keeps a text as one byte a character where it can, and then answers this without a look at it.
const beyondLatin1 = /[\u0100-\uffff]/;
const anything = /(?:)/;

/** Room for the character codes of each length that a loop reads. */
const codes: readonly number[][] = Array.from({ length: LOOP_READS + 1 }, (_, length) =>
  Array.from({ length }, () => 0),
);

/**
 * Writes a text from `at` on and returns the place behind it. Lone surrogates stay as they are.
 * @throws FULL where `limit` leaves too little room
 */
export function writeText(memory: Memory, text: string, at: number, limit: number): number {
  const { length } = text;
  if (length > LOOP_WRITES) return writeLongText(memory, text, at, limit);
  const start = at + 1;
  const end = start + length;
  if (end > limit) throw FULL;
  const { bytes } = memory;
  for (let i = 0; i < length; i++) {
    const code = native.charCodeAt(text, i);
    if (code > MAX_LATIN1) return writeUtf16(memory, text, at, limit);
    bytes[start + i] = code;
  }
  bytes[at] = SHORT_TEXT | length;
  return end;
}

function writeLongText(memory: Memory, text: string, at: number, limit: number): number {
  const { length } = text;
  if (length > limit - at) throw FULL;
  if (native.matches(beyondLatin1, text)) {
    // The constructor of regular expressions would keep the text as the last one that matched.
    native.matches(anything, '');
    return writeUtf16(memory, text, at, limit);
  }
  let start = at + 1;
  if (length < SHORT_TEXT) {
    if (start + length > limit) throw FULL;
    memory.bytes[at] = SHORT_TEXT | length;
  } else {
    if (start + lengthBytes(length) + length > limit) throw FULL;
    memory.bytes[at] = Tag.latin1;
    start = writeLength(memory, length, start);
  }
  native.writeEncoded(memory.text, text, start, length, 'latin1');
  return start + length;
}

function writeUtf16(memory: Memory, text: string, at: number, limit: number): number {
  const { length } = text;
  const end = at + 1 + lengthBytes(length) + 2 * length;
  if (end > limit) throw FULL;
  memory.bytes[at] = Tag.utf16;
  const start = writeLength(memory, length, at + 1);
  if (length > LOOP_WRITES) {
    native.writeEncoded(memory.text, text, start, 2 * length, 'utf16le');
  } else {
    for (let i = 0; i < length; i++) {
      native.setUint16(memory.numbers, start + 2 * i, native.charCodeAt(text, i), true);
    }
  }
  return end;
}

/** The text whose `length` characters of latin1 start at `at`. */
export function readLatin1(memory: Memory, at: number, length: number): string {
  if (length > LOOP_READS) return native.readEncoded(memory.text, 'latin1', at, at + length);
  const room = codes[length]!;
  for (let i = 0; i < length; i++) room[i] = memory.bytes[at + i]!;
  return native.apply(native.fromCharCode, undefined, room);
}

/** The text whose `length` code units start at `at`. */
export function readUtf16(memory: Memory, at: number, length: number): string {
  if (length > LOOP_READS) return native.readEncoded(memory.text, 'utf16le', at, at + 2 * length);
  const room = codes[length]!;
  for (let i = 0; i < length; i++) room[i] = native.getUint16(memory.numbers, at + 2 * i, true);
  return native.apply(native.fromCharCode, undefined, room);
}

/** Where the text at `at` ends. */
export function endOfText(memory: Memory, at: number): number {
  const tag = memory.bytes[at]!;
  if (tag >= SHORT_TEXT) return at + 1 + (tag & 0x7f);
  const length = readLength(memory, at + 1);
  return at + 1 + lengthBytes(length) + (tag === Tag.latin1 ? length : 2 * length);
}

/** The text at `at`. */
export function readText(memory: Memory, at: number): string {
  const tag = memory.bytes[at]!;
  if (tag >= SHORT_TEXT) return readLatin1(memory, at + 1, tag & 0x7f);
  const length = readLength(memory, at + 1);
  const start = at + 1 + lengthBytes(length);
  return tag === Tag.latin1 ? readLatin1(memory, start, length) : readUtf16(memory, start, length);
}
