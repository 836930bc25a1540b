/** What an item of an {@link IntrusiveHeap} carries. One item is in one heap at a time. */
export interface HeapItem {
  /** Belongs to the heap: start it as -1 and never write it. -1 while the item is in no heap. */
  heapIndex: number;
}

/**
 * Children per node. Four halve the depth of two, and a level costs little more, since four keys
 * lie in half a cache line. Pushes gain most, and most deadlines are pushed and never come due.
 */
const ARITY = 4;

/**
 * Priority queue that gives the item with the smallest key, and from which any item can be taken
 * out. Made for deadlines: one timer stands for the first of thousands of waiting calls.
 *
 * Items with equal keys come out in any order. The key is read at `push` and at `update` only: a
 * key that changes in between takes effect at the next `update`, and never disorders the heap.
 *
 * `peek` is O(1), everything else O(log n) but `clear`; nothing allocates but growth.
 * @see https://en.wikipedia.org/wiki/D-ary_heap
 */
export class IntrusiveHeap<T extends HeapItem> {
  readonly #keyOf: (item: T) => number;
  readonly #items: T[] = [];
  /** The key of each item. Side by side, so that a comparison does not follow a pointer. */
  readonly #keys: number[] = [];

  /** @param keyOf Reads the key of an item: any number but NaN. Must be cheap. */
  constructor(keyOf: (item: T) => number) {
    this.#keyOf = keyOf;
  }

  /** Items held. */
  get size(): number {
    return this.#items.length;
  }

  /**
   * Adds an item.
   * @throws Error when the item is in a heap already.
   * @throws RangeError when its key is NaN.
   */
  push(item: T): void {
    if (item.heapIndex !== -1) {
      throw new Error(
        'IntrusiveHeap: the item to push is in a heap already; remove it there first.',
      );
    }
    const key = this.#readKey(item);
    const end = this.#items.length;
    this.#items.push(item);
    this.#keys.push(key);
    this.#siftUp(end, item, key);
  }

  /** An item with the smallest key, if there is any item. */
  peek(): T | undefined {
    return this.#items[0];
  }

  /** Takes the item that `peek` answers. */
  pop(): T | undefined {
    const item = this.#items[0];
    if (item !== undefined) this.#removeAt(0, item);
    return item;
  }

  /**
   * Takes `item` out, wherever it stands.
   * @throws Error when the item is not in this heap.
   */
  remove(item: T): void {
    this.#requireHeld(item);
    this.#removeAt(item.heapIndex, item);
  }

  /**
   * Reads the key of `item` again and moves it to where it belongs now.
   * @throws Error when the item is not in this heap.
   * @throws RangeError when its key is NaN; it then keeps the key that it had.
   */
  update(item: T): void {
    this.#requireHeld(item);
    this.#place(item.heapIndex, item, this.#readKey(item));
  }

  /** Takes all items out. O(n), as each must learn that it is free. */
  clear(): void {
    for (const item of this.#items) item.heapIndex = -1;
    this.#items.length = 0;
    this.#keys.length = 0;
  }

  #readKey(item: T): number {
    const key = this.#keyOf(item);
    if (Number.isNaN(key)) throw new RangeError('IntrusiveHeap: a key must be a number, got NaN.');
    return key;
  }

  #requireHeld(item: T): void {
    if (this.#items[item.heapIndex] !== item) {
      throw new Error('IntrusiveHeap: the item is not in this heap.');
    }
  }

  #removeAt(index: number, item: T): void {
    const last = this.#items.pop()!;
    const lastKey = this.#keys.pop()!;
    if (last !== item) this.#place(index, last, lastKey);
    item.heapIndex = -1;
  }

  /** Writes the item into the hole at `index`, or above or below it, as its key asks. */
  #place(index: number, item: T, key: number): void {
    const parent = (index - 1) >> 2;
    if (index > 0 && key < this.#keys[parent]!) this.#siftUp(index, item, key);
    else this.#siftDown(index, item, key);
  }

  #siftUp(from: number, item: T, key: number): void {
    let hole = from;
    while (hole > 0) {
      const parent = (hole - 1) >> 2;
      const parentKey = this.#keys[parent]!;
      if (key >= parentKey) break;
      this.#write(hole, this.#items[parent]!, parentKey);
      hole = parent;
    }
    this.#write(hole, item, key);
  }

  #siftDown(from: number, item: T, key: number): void {
    let hole = from;
    for (;;) {
      const child = this.#smallestChildOf(hole);
      if (child === -1 || key <= this.#keys[child]!) break;
      this.#write(hole, this.#items[child]!, this.#keys[child]!);
      hole = child;
    }
    this.#write(hole, item, key);
  }

  #smallestChildOf(index: number): number {
    const first = index * ARITY + 1;
    const end = Math.min(first + ARITY, this.#keys.length);
    if (first >= end) return -1;
    let smallest = first;
    for (let child = first + 1; child < end; child++) {
      if (this.#keys[child]! < this.#keys[smallest]!) smallest = child;
    }
    return smallest;
  }

  #write(index: number, item: T, key: number): void {
    this.#items[index] = item;
    this.#keys[index] = key;
    item.heapIndex = index;
  }
}
