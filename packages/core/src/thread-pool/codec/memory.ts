import { Buffer } from 'node:buffer';
import { LONG_LENGTH } from './format.ts';
import { getUint32, setUint32 } from './intrinsics.ts';

/** One stretch of memory, as bytes, as numbers and as text. */
export class Memory {
  readonly bytes: Uint8Array;
  readonly numbers: DataView;
  readonly text: Buffer;
  readonly byteLength: number;

  constructor(buffer: ArrayBufferLike) {
    this.bytes = new Uint8Array(buffer);
    this.numbers = new DataView(buffer);
    this.text = Buffer.from(buffer as ArrayBuffer);
    this.byteLength = buffer.byteLength;
  }
}

/** Thrown, and caught, where a value cannot be written. Made once: its stack says nothing. */
export const REFUSED: Error = new Error('The value is of a kind that is not written here.');

/** The same, where there is too little room for it. */
export const FULL: Error = new Error('The value does not fit.');

/** Bytes that a length takes. */
export function lengthBytes(length: number): number {
  return length < LONG_LENGTH ? 1 : 5;
}

/** Writes a length where there is room for it, and returns the place behind it. */
export function writeLength(memory: Memory, length: number, at: number): number {
  if (length < LONG_LENGTH) {
    memory.bytes[at] = length;
    return at + 1;
  }
  memory.bytes[at] = LONG_LENGTH;
  setUint32(memory.numbers, at + 1, length, true);
  return at + 5;
}

/** The length at `at`, which takes {@link lengthBytes} of it. */
export function readLength(memory: Memory, at: number): number {
  const length = memory.bytes[at]!;
  return length < LONG_LENGTH ? length : getUint32(memory.numbers, at + 1, true);
}
