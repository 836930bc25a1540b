import { SHORT_TEXT, SMALL_INT, Tag, VIEW_KINDS } from './format.ts';
import * as native from './intrinsics.ts';
import { FULL, Memory, REFUSED, lengthBytes, writeLength } from './memory.ts';
import { SeenObjects } from './seen-objects.ts';
import { type ShapeNode, ShapeTree } from './shape-tree.ts';
import { writeText } from './text.ts';

/** What {@link ValueWriter.encode} returns for a value that it did not write. */
export const NOT_ENCODED = -1;

/** Objects inside each other; deeper ones could overflow the stack. */
const MAX_DEPTH = 200;
/** Up to here a list of an array's keys is faster than a comparison with a copy (measured). */
const FEW_ITEMS = 8;
/** Bytes up to here are copied by a loop. */
const FEW_BYTES = 32;

/**
 * Writes values into shared memory for a {@link ValueReader} on another thread, in a fraction of the time
 * that a structured clone takes. What arrives is what `structuredClone` would deliver.
 *
 * Written are: undefined, null, booleans, numbers, bigints, strings, plain objects (also without a
 * prototype), arrays, Date, Map, Set, ArrayBuffer, typed arrays and Buffer. Not written, and so left to
 * `postMessage`, which clones them or says why it cannot: instances of other classes, Error, RegExp,
 * DataView, boxed primitives, functions, symbols, proxies, shared, resizable or detached memory; objects
 * or buffers that occur twice in a value, cycles, arrays with named properties, more than 200 levels; and
 * anything while `Object.prototype` has enumerable properties.
 *
 * Different from a clone, on purpose: a view of a part of a buffer arrives with a buffer that holds this
 * part alone, so a small Buffer does not take its whole pool along.
 *
 * Not noticed, since nothing cheap tells: a Map or the like that was given `Object.prototype` and
 * enumerable properties besides arrives as a plain object; a non-enumerable item of an array of more
 * than 8 arrives as an item; and `markAsUncloneable` is not heeded.
 *
 * Keys of objects travel once: lists of keys that come again and again are kept in a table in shared
 * memory. It is only ever added to, so a value may be read late or not at all.
 */
export class ValueWriter {
  readonly #memory: Memory;
  readonly #shapes: ShapeTree;
  readonly #seen: SeenObjects = new SeenObjects();
  #limit = 0;
  #depth = 0;
  #busy = false;
  /** Whether the last value that was not written would have been with more room. */
  wantsRoom: boolean = false;

  /**
   * @param buffer where values go; of a fixed length
   * @param shapes a table of {@link SHAPE_TABLE_BYTES} bytes, all 0, for this writer alone; the readers
   * get the same. Without one every object carries its keys.
   */
  constructor(buffer: ArrayBufferLike, shapes?: ArrayBufferLike) {
    this.#memory = new Memory(buffer);
    this.#shapes = new ShapeTree(shapes && new Memory(shapes));
  }

  /**
   * Writes `value` into the bytes from `offset` to below `limit` and returns how many it took, or -1 if it
   * does not fit or is not of a kind that is written; some of these bytes may have changed then, none
   * outside them ever does. Never throws. Getters are called, once; what they throw means -1, and
   * `postMessage` will call them again. A call from inside of a getter returns -1. Holds on to nothing of
   * the value but keys. The memory must be handed to the reader by an atomic operation.
   *
   * O(size). A value of 1 KB takes some 2 µs.
   */
  encode(value: unknown, offset: number, limit: number): number {
    this.wantsRoom = false;
    if (this.#busy) return NOT_ENCODED;
    this.#busy = true;
    this.#limit = limit < this.#memory.byteLength ? limit : this.#memory.byteLength;
    try {
      if (prototypeIsEnumerable()) return NOT_ENCODED;
      return this.#write(value, offset) - offset;
    } catch (refusal) {
      this.wantsRoom = refusal === FULL;
      return NOT_ENCODED;
    } finally {
      this.#seen.clear();
      this.#depth = 0;
      this.#busy = false;
    }
  }

  #write(value: unknown, at: number): number {
    switch (typeof value) {
      case 'string':
        return writeText(this.#memory, value, at, this.#limit);
      case 'number':
        return this.#writeNumber(value, at);
      case 'boolean':
        return this.#writeTag(value ? Tag.true : Tag.false, at);
      case 'undefined':
        return this.#writeTag(Tag.undefined, at);
      case 'object':
        return value === null ? this.#writeTag(Tag.null, at) : this.#writeObject(value, at);
      case 'bigint':
        return this.#writeBigInt(value, at);
      default:
        throw REFUSED;
    }
  }

  #writeTag(tag: number, at: number): number {
    if (at >= this.#limit) throw FULL;
    this.#memory.bytes[at] = tag;
    return at + 1;
  }

  #writeNumber(value: number, at: number): number {
    if ((value | 0) !== value || (value === 0 && 1 / value < 0)) {
      return this.#writeDouble(Tag.float64, value, at);
    }
    if (value >= 0 && value < SHORT_TEXT - SMALL_INT) return this.#writeTag(SMALL_INT | value, at);
    if (at + 5 > this.#limit) throw FULL;
    this.#memory.bytes[at] = Tag.int32;
    native.setInt32(this.#memory.numbers, at + 1, value, true);
    return at + 5;
  }

  #writeDouble(tag: number, value: number, at: number): number {
    if (at + 9 > this.#limit) throw FULL;
    this.#memory.bytes[at] = tag;
    native.setFloat64(this.#memory.numbers, at + 1, value, true);
    return at + 9;
  }

  #writeBigInt(value: bigint, at: number): number {
    if (native.asIntN(64, value) !== value) {
      const digits = native.bigIntText(value < 0n ? -value : value, 16);
      const start = this.#writeTag(value < 0n ? 1 : 0, this.#writeTag(Tag.bigint, at));
      return writeText(this.#memory, digits, start, this.#limit);
    }
    if (at + 9 > this.#limit) throw FULL;
    this.#memory.bytes[at] = Tag.int64;
    native.setBigInt64(this.#memory.numbers, at + 1, value, true);
    return at + 9;
  }

  #writeObject(value: object, at: number): number {
    // Before anything else: a proxy would run code of its own.
    if (native.isProxy(value) || !this.#seen.add(value) || ++this.#depth > MAX_DEPTH) throw REFUSED;
    const end = this.#writeByKind(value, at);
    this.#depth--;
    return end;
  }

  #writeByKind(value: object, at: number): number {
    const prototype: unknown = native.getPrototypeOf(value);
    if (native.isArray(value)) {
      if (prototype !== native.arrayPrototype) throw REFUSED;
      return this.#writeArray(value, at);
    }
    switch (prototype) {
      case native.objectPrototype:
        return this.#writeFields(value as Record<string, unknown>, at);
      case null:
        if (native.hasBrand(value)) throw REFUSED;
        return this.#writeFields(value as Record<string, unknown>, at);
      case native.datePrototype:
        return this.#writeDouble(Tag.date, native.timeOf(value as Date), at);
      case native.mapPrototype:
        return this.#writeMap(value, at);
      case native.setPrototype:
        return this.#writeSet(value, at);
      case native.arrayBufferPrototype:
        return this.#writeArrayBuffer(value as ArrayBuffer, at);
      default:
        return this.#writeView(value, at);
    }
  }

  /** The keys are known for sure only behind the last value, so the head is filled in last. */
  #writeFields(value: Record<string, unknown>, start: number): number {
    let at = start + 2;
    if (at > this.#limit) throw FULL;
    let node: ShapeNode | undefined = this.#shapes.root;
    let keys: string[] | undefined;
    // The fastest way to the values by far: V8 goes by the places of the fields.
    for (const key in value) {
      if (keys === undefined) {
        const next: ShapeNode | undefined = node!.after(key);
        if (next === undefined) {
          keys = native.copyArray(node!.path) as string[];
          native.pushTo(keys, key);
        }
        node = next;
      } else {
        native.pushTo(keys, key);
      }
      at = this.#write(value[key], at);
    }
    if (keys === undefined && node!.id >= 0) {
      this.#memory.bytes[start] = Tag.shaped;
      this.#memory.bytes[start + 1] = node!.id;
      return at;
    }
    return this.#writeKeys(value, keys ?? node!.path, { start, at });
  }

  #writeKeys(
    value: object,
    keys: readonly string[],
    { start, at }: { readonly start: number; readonly at: number },
  ): number {
    // Too dear for every object, so such keys never become a shape, which nobody looks at again.
    if (mayBeBranded(keys) && native.hasBrand(value)) throw REFUSED;
    this.#memory.bytes[start] = Tag.keyed;
    let end = this.#writeTag(Tag.end, at);
    for (let i = 0; i < keys.length; i++) {
      end = writeText(this.#memory, keys[i]!, end, this.#limit);
    }
    if (!mayBeBranded(keys)) this.#shapes.see(keys);
    return end;
  }

  #writeArray(items: readonly unknown[], start: number): number {
    const { length } = items;
    let at = this.#writeHead(Tag.array, length, start);
    if (length > this.#limit - at) throw FULL;
    let present = length;
    for (let i = 0; i < length; i++) {
      const item = items[i];
      if (item === undefined && !native.hasOwn(items, i)) {
        at = this.#writeTag(Tag.hole, at);
        present--;
      } else {
        at = this.#write(item, at);
      }
    }
    if (hasNames(items, present)) throw REFUSED;
    return at;
  }

  #writeMap(map: object, start: number): number {
    const size = native.mapSize(map);
    let at = this.#writeHead(Tag.map, size, start);
    let entries = 0;
    native.mapForEach(map, (value, key) => {
      at = this.#write(value, this.#write(key, at));
      entries++;
    });
    if (entries !== size) throw REFUSED;
    return at;
  }

  #writeSet(set: object, start: number): number {
    const size = native.setSize(set);
    let at = this.#writeHead(Tag.set, size, start);
    let members = 0;
    native.setForEach(set, (member) => {
      at = this.#write(member, at);
      members++;
    });
    if (members !== size) throw REFUSED;
    return at;
  }

  #writeArrayBuffer(buffer: ArrayBuffer, at: number): number {
    requireFixed(buffer);
    return this.#writeBytes(
      new native.NativeUint8Array(buffer),
      this.#writeHead(Tag.arrayBuffer, native.bufferLength(buffer), at),
    );
  }

  #writeView(view: object, start: number): number {
    const kind = kindOf(native.typedArrayName(view));
    const buffer = native.viewBuffer(view);
    if (native.getPrototypeOf(buffer) !== native.arrayBufferPrototype) throw REFUSED;
    requireFixed(buffer);
    if (!this.#seen.add(buffer)) throw REFUSED;
    const length = native.viewLength(view);
    const at = this.#writeTag(kind, this.#writeTag(Tag.view, start));
    const end = this.#writeLength(length, at);
    const offset = native.viewOffset(view);
    return this.#writeBytes(new native.NativeUint8Array(buffer, offset, length), end);
  }

  /** V8 copies into shared memory by the byte, unless both sides lie alike within eight bytes. */
  #writeBytes(source: Uint8Array, at: number): number {
    const length = native.viewLength(source);
    const { bytes } = this.#memory;
    const few = length <= FEW_BYTES;
    const gap = few ? 0 : (native.viewOffset(source) - at - 1) & 7;
    const start = this.#writeTag(gap, at) + gap;
    if (start + length > this.#limit) throw FULL;
    if (few) for (let i = 0; i < length; i++) bytes[start + i] = source[i]!;
    else native.setBytes(bytes, source, start);
    return start + length;
  }

  #writeHead(tag: number, length: number, at: number): number {
    return this.#writeLength(length, this.#writeTag(tag, at));
  }

  #writeLength(length: number, at: number): number {
    if (at + lengthBytes(length) > this.#limit) throw FULL;
    return writeLength(this.#memory, length, at);
  }
}

/** A loop over the keys of an object would give those of its prototype as well. */
function prototypeIsEnumerable(): boolean {
  for (const _ in native.objectPrototype) return true;
  return false;
}

/** Whether an object with such keys could be the arguments of a function, or a Map without any. */
function mayBeBranded(keys: readonly string[]): boolean {
  return keys.length === 0 || keys[0] === '0';
}

/** Throws also for what is no ArrayBuffer. */
function requireFixed(buffer: object): void {
  if (native.isResizable(buffer) || native.isDetached(buffer)) throw REFUSED;
}

function kindOf(name: string | undefined): number {
  for (let kind = 0; kind < VIEW_KINDS.length; kind++) if (VIEW_KINDS[kind] === name) return kind;
  throw REFUSED;
}

/** Whether an array has enumerable properties besides its items. */
function hasNames(items: readonly unknown[], present: number): boolean {
  if (items.length <= FEW_ITEMS) return native.keysOf(items).length !== present;
  // Items that are the same need no comparison, so this goes by the items and asks for the other keys.
  return !native.isDeepEqual(items, native.copyArray(items));
}
