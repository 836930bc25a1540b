import { requireInteger } from './require-integer.ts';

/**
 * The last `capacity` items that were pushed. A full ring overwrites its oldest item and never
 * refuses; to refuse instead, take {@link BoundedDeque}. Its storage grows with its content.
 *
 * Push and read are O(1). A push into a full ring does not allocate.
 */
export class Ring<T> implements Iterable<T> {
  /** Most items held. */
  readonly capacity: number;
  readonly #items: T[] = [];
  #oldest = 0;

  /** @throws RangeError when `capacity` is not an integer of at least 1. */
  constructor(capacity: number) {
    this.capacity = requireInteger('Ring: capacity', capacity, 1);
  }

  /** Items held now, 0 to `capacity`. */
  get size(): number {
    return this.#items.length;
  }

  /** Adds the newest item, in the place of the oldest one when the ring is full. */
  push(item: T): void {
    if (this.#items.length < this.capacity) {
      this.#items.push(item);
      return;
    }
    this.#items[this.#oldest] = item;
    this.#oldest = this.#oldest + 1 === this.capacity ? 0 : this.#oldest + 1;
  }

  /**
   * The item at `index`, where 0 is the oldest; below 0 counts back from the newest, so that -1 is
   * the newest. Undefined where there is none.
   */
  at(index: number): T | undefined {
    const age = index < 0 ? index + this.size : index;
    if (age < 0 || age >= this.size) return undefined;
    const slot = this.#oldest + age;
    return this.#items[slot < this.capacity ? slot : slot - this.capacity];
  }

  /** Forgets all items and frees their storage. */
  clear(): void {
    this.#items.length = 0;
    this.#oldest = 0;
  }

  /**
   * Oldest first. A walk reads the ring as it is at each step: a push into a full ring meanwhile
   * moves every item one place nearer to the front, so the walk skips one.
   */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (let index = 0; index < this.size; index++) yield this.at(index) as T;
  }
}
