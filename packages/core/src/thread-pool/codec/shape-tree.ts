import * as native from './intrinsics.ts';
import type { Memory } from './memory.ts';
import { MAX_SHAPES, MAX_SHAPE_KEYS, writeShape } from './shape-table.ts';

const NOT_A_SHAPE = -1;
const CANDIDATES = 64;
/** Sightings after which a list of keys becomes a shape: a dictionary's is hardly ever seen so often. */
const SIGHTINGS = 3;
/** Characters of the keys of the largest shape. */
const MAX_SHAPE_TEXT = 1_024;

/** A place in the tree: the keys on the way to it, and those that were seen to follow. */
export class ShapeNode {
  readonly path: readonly string[];
  /** The number of the shape that ends here, or -1. */
  id: number = NOT_A_SHAPE;
  #key: string | undefined;
  #next: ShapeNode | undefined;
  #others: Map<string, ShapeNode> | undefined;

  constructor(path: readonly string[]) {
    this.path = path;
  }

  /** The place behind `key`, if a shape goes on with it. */
  after(key: string): ShapeNode | undefined {
    if (key === this.#key) return this.#next;
    return this.#others === undefined ? undefined : native.mapGet(this.#others, key);
  }

  add(key: string): ShapeNode {
    const path = native.copyArray(this.path) as string[];
    native.pushTo(path, key);
    const node = new ShapeNode(path);
    if (this.#key === undefined) {
      this.#key = key;
      this.#next = node;
    } else {
      this.#others ??= new native.NativeMap();
      native.mapSet(this.#others, key, node);
    }
    return node;
  }
}

/**
 * The shapes (lists of keys) that a writer has published in its table, as a tree. A list of keys is
 * published when it was seen three times, so that objects used as dictionaries do not fill the table;
 * when the table is full, nothing more is. Memory is bounded by 256 shapes and 64 candidates, each of at
 * most 64 keys and 1,024 characters.
 */
export class ShapeTree {
  readonly root: ShapeNode = new ShapeNode([]);
  readonly #table: Memory | undefined;
  readonly #candidates: (Candidate | undefined)[] = [];
  #published = 0;
  #end = 0;

  constructor(table: Memory | undefined) {
    this.#table = table;
    for (let i = 0; i < CANDIDATES; i++) this.#candidates[i] = undefined;
  }

  /** Takes note of keys that are no shape yet. O(keys). */
  see(keys: readonly string[]): void {
    if (this.#table === undefined || this.#published === MAX_SHAPES) return;
    if (keys.length > MAX_SHAPE_KEYS) return;
    const slot = slotOf(keys);
    const candidate = this.#candidates[slot];
    if (candidate === undefined || !sameKeys(candidate.keys, keys)) {
      if (textLength(keys) <= MAX_SHAPE_TEXT) this.#candidates[slot] = { keys, sightings: 1 };
    } else if (++candidate.sightings === SIGHTINGS) {
      this.#candidates[slot] = undefined;
      this.#publish(this.#table, keys);
    }
  }

  #publish(table: Memory, keys: readonly string[]): void {
    try {
      this.#end = writeShape(table, this.#published, keys, this.#end);
    } catch {
      this.#published = MAX_SHAPES; // The table is full.
      return;
    }
    let node = this.root;
    for (let i = 0; i < keys.length; i++) node = node.after(keys[i]!) ?? node.add(keys[i]!);
    node.id = this.#published++;
  }
}

interface Candidate {
  readonly keys: readonly string[];
  sightings: number;
}

function slotOf(keys: readonly string[]): number {
  let hash = keys.length;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    const last = key === '' ? 0 : native.charCodeAt(key, key.length - 1);
    hash = (Math.imul(hash, 31) + key.length + Math.imul(last, 7)) | 0;
  }
  return (hash ^ (hash >>> 6)) & (CANDIDATES - 1);
}

function textLength(keys: readonly string[]): number {
  let length = 0;
  for (let i = 0; i < keys.length; i++) length += keys[i]!.length;
  return length;
}

function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
