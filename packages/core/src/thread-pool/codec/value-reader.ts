import { SHORT_TEXT, SMALL_INT, Tag, VIEW_KINDS } from './format.ts';
import * as native from './intrinsics.ts';
import { Memory, lengthBytes, readLength } from './memory.ts';
import { endOfText, readLatin1, readText, readUtf16 } from './text.ts';
import { createDictionary } from './roomy-objects.ts';
import { type Shape, ShapeList, setField } from './shape-list.ts';

type ViewConstructor = new (buffer: ArrayBuffer) => unknown;

const viewConstructors: readonly ViewConstructor[] = VIEW_KINDS.map(
  (name) => (globalThis as unknown as Record<string, ViewConstructor>)[name]!,
);

/** Bytes up to here are copied by a loop. */
const FEW_BYTES = 32;

/**
 * Reads what a {@link ValueWriter} wrote into the same memory on another thread. Several readers may read
 * what one writer wrote. The memory is trusted: what was not written by `encode`, or was overwritten
 * since, may be read as anything.
 */
export class ValueReader {
  readonly #memory: Memory;
  readonly #shapes: ShapeList;
  #at = 0;

  /**
   * @param buffer the memory of the writer
   * @param shapes its table of shapes, if it has one
   */
  constructor(buffer: ArrayBufferLike, shapes?: ArrayBufferLike) {
    this.#memory = new Memory(buffer);
    this.#shapes = new ShapeList(shapes && new Memory(shapes));
  }

  /**
   * The value that `encode` wrote at `offset`, `length` bytes long. Can be called again, and makes a new
   * value each time; nothing of it is kept. O(length).
   * @throws RangeError if the value does not end where it must: something else was written over it
   */
  decode(offset: number, length: number): unknown {
    this.#at = offset;
    const value = this.#read();
    if (this.#at === offset + length) return value;
    throw new RangeError(
      `ValueReader: the value at ${offset} must take ${length} bytes, got ${this.#at - offset}.`,
    );
  }

  #read(): unknown {
    const tag = this.#memory.bytes[this.#at++]!;
    if (tag >= SHORT_TEXT) return this.#readShortText(tag & 0x7f);
    if (tag >= SMALL_INT) return tag & 0x3f;
    switch (tag) {
      case Tag.null:
        return null;
      case Tag.false:
        return false;
      case Tag.true:
        return true;
      case Tag.int32:
        this.#at += 4;
        return native.getInt32(this.#memory.numbers, this.#at - 4, true);
      case Tag.float64:
        return this.#readDouble();
      case Tag.shaped:
        return this.#readShaped();
      case Tag.array:
        return this.#readArray();
      default:
        return this.#readRare(tag);
    }
  }

  #readRare(tag: number): unknown {
    switch (tag) {
      case Tag.int64:
        this.#at += 8;
        return native.getBigInt64(this.#memory.numbers, this.#at - 8, true);
      case Tag.bigint:
        return this.#readBigInt();
      case Tag.latin1:
        return this.#readLatin1();
      case Tag.utf16:
        return this.#readUtf16();
      case Tag.keyed:
        return this.#readKeyed();
      case Tag.date:
        return new native.NativeDate(this.#readDouble());
      case Tag.map:
        return this.#readMap();
      case Tag.set:
        return this.#readSet();
      case Tag.arrayBuffer:
        return this.#readArrayBuffer();
      case Tag.view:
        return this.#readView();
      default:
        return undefined;
    }
  }

  #readDouble(): number {
    this.#at += 8;
    return native.getFloat64(this.#memory.numbers, this.#at - 8, true);
  }

  #readBigInt(): bigint {
    const negative = this.#memory.bytes[this.#at++] === 1;
    const magnitude = native.toBigInt(`0x${this.#readKey()}`);
    return negative ? -magnitude : magnitude;
  }

  #readShortText(length: number): string {
    const start = this.#at;
    this.#at = start + length;
    return readLatin1(this.#memory, start, length);
  }

  #readLatin1(): string {
    const length = this.#readLength();
    this.#at += length;
    return readLatin1(this.#memory, this.#at - length, length);
  }

  #readUtf16(): string {
    const length = this.#readLength();
    this.#at += 2 * length;
    return readUtf16(this.#memory, this.#at - 2 * length, length);
  }

  #readKey(): string {
    const start = this.#at;
    this.#at = endOfText(this.#memory, start);
    return readText(this.#memory, start);
  }

  #readShaped(): object {
    const shape: Shape = this.#shapes.at(this.#memory.bytes[this.#at++]!);
    const { keys } = shape;
    const value = shape.create();
    if (shape.hazardous) {
      for (let i = 0; i < keys.length; i++) setField(value, keys[i]!, this.#read());
    } else {
      for (let i = 0; i < keys.length; i++) value[keys[i]!] = this.#read();
    }
    return value;
  }

  #readKeyed(): object {
    this.#at++;
    const values: unknown[] = [];
    while (this.#memory.bytes[this.#at] !== Tag.end) native.pushTo(values, this.#read());
    this.#at++;
    const value = createDictionary();
    for (let i = 0; i < values.length; i++) setField(value, this.#readKey(), values[i]);
    return value;
  }

  #readArray(): unknown[] {
    const length = this.#readLength();
    const items: unknown[] = [];
    for (let i = 0; i < length; i++) {
      if (this.#memory.bytes[this.#at] !== Tag.hole) {
        items[i] = this.#read();
      } else {
        this.#at++;
        items.length = i + 1;
      }
    }
    return items;
  }

  #readMap(): Map<unknown, unknown> {
    const map = new native.NativeMap<unknown, unknown>();
    for (let size = this.#readLength(); size > 0; size--) {
      const key = this.#read();
      native.mapSet(map, key, this.#read());
    }
    return map;
  }

  #readSet(): Set<unknown> {
    const set = new native.NativeSet<unknown>();
    for (let size = this.#readLength(); size > 0; size--) native.setAdd(set, this.#read());
    return set;
  }

  #readView(): unknown {
    const Kind = viewConstructors[this.#memory.bytes[this.#at++]!]!;
    return new Kind(this.#readArrayBuffer());
  }

  #readArrayBuffer(): ArrayBuffer {
    const length = this.#readLength();
    const { bytes, text } = this.#memory;
    const start = this.#at + 1 + bytes[this.#at]!;
    this.#at = start + length;
    const copy = new native.NativeUint8Array(length);
    if (length > FEW_BYTES) native.copyBytes(text, copy, 0, start, start + length);
    else for (let i = 0; i < length; i++) copy[i] = bytes[start + i]!;
    return copy.buffer;
  }

  #readLength(): number {
    const length = readLength(this.#memory, this.#at);
    this.#at += lengthBytes(length);
    return length;
  }
}
