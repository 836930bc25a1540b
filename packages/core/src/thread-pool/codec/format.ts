/*
 * The bytes of a value: a tag, then what the tag says. Numbers are little endian and lie unaligned.
 * A length is one byte below 255, or 255 and four bytes.
 */

/** What a value starts with, below the tags that hold a small value themselves. */
export const Tag = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  /** Four bytes. */
  int32: 4,
  /** Eight bytes. */
  float64: 5,
  /** Eight bytes. */
  int64: 6,
  /** A byte, 1 for below zero, and a text of hexadecimal digits. */
  bigint: 7,
  /** Length, a byte for each character. */
  latin1: 8,
  /** Length in code units, two bytes for each. */
  utf16: 9,
  /** The number of the shape, a value for each key of it. */
  shaped: 10,
  /** A byte of no meaning, the values, {@link Tag.end}, a text for each key. */
  keyed: 11,
  end: 12,
  /** Length, the items. */
  array: 13,
  /** An item that the array does not have. */
  hole: 14,
  /** Eight bytes. */
  date: 15,
  /** Size, a key and a value for each entry. */
  map: 16,
  /** Size, the members. */
  set: 17,
  /** Length, a byte that counts the bytes of a gap, the gap, the bytes. */
  arrayBuffer: 18,
  /** The place of the kind in `VIEW_KINDS`, then as for a buffer. */
  view: 19,
} as const;

/** A tag from here to {@link SHORT_TEXT} is an integer of 0 to 63. */
export const SMALL_INT = 0x40;
/** A tag from here on is a text of 0 to 127 characters of latin1, which follow. */
export const SHORT_TEXT = 0x80;

/** The kinds of typed array, by the byte that stands for each. */
export const VIEW_KINDS: readonly string[] = [
  'Uint8Array',
  'Uint8ClampedArray',
  'Int8Array',
  'Uint16Array',
  'Int16Array',
  'Uint32Array',
  'Int32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
];

/** A length from here on takes five bytes. */
export const LONG_LENGTH = 255;
