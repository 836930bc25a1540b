import { requireInteger } from './require-integer.ts';

/** Storage that an emptied deque keeps, in slots; below it a move costs more than it frees. */
const LEAST_SLOTS = 16;

/**
 * Queue with two ends and a bound: a push into a full deque is refused, never absorbed. When items
 * must also leave from the middle, take {@link LinkedList}; to lose the oldest instead of refusing
 * the newest, {@link Ring}.
 *
 * Push and pop are O(1), amortised over the moves of the storage. That doubles as the deque fills,
 * never beyond `capacity`, and halves when it falls to a quarter full, so a burst is given back.
 * An item that has left is not referred to any more.
 *
 * An empty deque answers `undefined` for an item; where `T` may itself be undefined, ask `size`.
 */
export class BoundedDeque<T> implements Iterable<T> {
  #capacity: number;
  #slots: (T | undefined)[];
  #head = 0;
  #size = 0;

  /**
   * @param capacity Most items held; 0 refuses every item.
   * @throws RangeError when `capacity` is not an integer of at least 0.
   */
  constructor(capacity: number) {
    this.#capacity = requireInteger('BoundedDeque: capacity', capacity, 0);
    this.#slots = emptySlots(Math.min(LEAST_SLOTS, capacity));
  }

  /** Most items held. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Items held now, 0 to `capacity`. */
  get size(): number {
    return this.#size;
  }

  /** The next item that `popFront` takes. */
  get front(): T | undefined {
    return this.at(0);
  }

  /** The next item that `popBack` takes. */
  get back(): T | undefined {
    return this.at(this.#size - 1);
  }

  /** Adds an item at the back and answers true, or answers false when the deque is full. */
  pushBack(item: T): boolean {
    if (!this.#makeRoom()) return false;
    this.#slots[this.#slotOf(this.#size)] = item;
    this.#size++;
    return true;
  }

  /** Adds an item at the front and answers true, or answers false when the deque is full. */
  pushFront(item: T): boolean {
    if (!this.#makeRoom()) return false;
    this.#head = this.#slotOf(this.#slots.length - 1);
    this.#slots[this.#head] = item;
    this.#size++;
    return true;
  }

  /** Takes the item at the front. */
  popFront(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#vacate(this.#head);
    this.#head = this.#slotOf(1);
    this.#shrinkOnceSparse();
    return item;
  }

  /** Takes the item at the back. */
  popBack(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#vacate(this.#slotOf(this.#size - 1));
    this.#shrinkOnceSparse();
    return item;
  }

  /** The item at `index`, where 0 is the front. Undefined where there is none. */
  at(index: number): T | undefined {
    return index >= 0 && index < this.#size ? this.#slots[this.#slotOf(index)] : undefined;
  }

  /**
   * Sets the bound and keeps every item. O(n) when the storage must move.
   * @throws RangeError when `capacity` is no integer of at least 0, or is below `size`: which items
   * to give up is for the caller to say, by popping them first.
   */
  resize(capacity: number): void {
    requireInteger('BoundedDeque: capacity', capacity, 0);
    if (capacity < this.#size) {
      throw new RangeError(
        `BoundedDeque: capacity cannot shrink to ${capacity} while ${this.#size} items are held.`,
      );
    }
    this.#capacity = capacity;
    if (this.#slots.length > capacity) this.#moveTo(capacity);
  }

  /** Forgets all items and frees their storage. */
  clear(): void {
    this.#slots = emptySlots(Math.min(LEAST_SLOTS, this.#capacity));
    this.#head = 0;
    this.#size = 0;
  }

  /**
   * Front to back. A walk reads the deque as it is at each step: a push or pop at the front
   * meanwhile makes it repeat or skip an item; at the back it does neither.
   */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (let index = 0; index < this.#size; index++) yield this.at(index) as T;
  }

  /** The slot of the item at `index`. A wrap by subtraction, as the length is no power of two. */
  #slotOf(index: number): number {
    const slot = this.#head + index;
    return slot < this.#slots.length ? slot : slot - this.#slots.length;
  }

  #makeRoom(): boolean {
    const slots = this.#slots.length;
    if (this.#size < slots) return true;
    if (this.#size === this.#capacity) return false;
    this.#moveTo(Math.min(Math.max(LEAST_SLOTS, slots * 2), this.#capacity));
    return true;
  }

  #vacate(slot: number): T | undefined {
    const item = this.#slots[slot];
    this.#slots[slot] = undefined;
    this.#size--;
    return item;
  }

  #shrinkOnceSparse(): void {
    const slots = this.#slots.length;
    // At a quarter, not at a half: a size that swings about one edge must not move the storage.
    if (slots > LEAST_SLOTS && this.#size * 4 <= slots) {
      this.#moveTo(Math.max(LEAST_SLOTS, slots >>> 1));
    }
  }

  #moveTo(length: number): void {
    const moved = emptySlots<T>(length);
    for (let index = 0; index < this.#size; index++) {
      moved[index] = this.#slots[this.#slotOf(index)];
    }
    this.#slots = moved;
    this.#head = 0;
  }
}

function emptySlots<T>(length: number): (T | undefined)[] {
  return new Array<T | undefined>(length).fill(undefined);
}
