/** Bytes of the largest class that there can be. */
export const MAX_CLASS_BYTES: number = 2 ** 30;

/** Whether `bytes` can be the size of a class: a power of two up to {@link MAX_CLASS_BYTES}. */
export function isClassSize(bytes: number): boolean {
  return Number.isInteger(Math.log2(bytes)) && bytes >= 1 && bytes <= MAX_CLASS_BYTES;
}

/**
 * Sizes by powers of two. A request leaves a quarter of its buffer unused on average, and less than half at worst. With
 * steps between the powers, as allocators have them, it would be less, but requests would spread over several times as
 * many classes, and a buffer that lies idle in a class that nobody asks for is unused as a whole.
 */
export class SizeClasses {
  readonly count: number;
  readonly #smallest: number;
  readonly #largest: number;

  /** Both are sizes of a class, the first not above the second. */
  constructor(smallest: number, largest: number) {
    this.#smallest = smallest;
    this.#largest = largest;
    this.count = Math.log2(largest / smallest) + 1;
  }

  /** Size of the class at `index`, in bytes. */
  bytesOf(index: number): number {
    return this.#smallest * 2 ** index;
  }

  /** Index of the smallest class with room for `bytes`, an integer of at least 0; -1 where there is none. */
  indexFor(bytes: number): number {
    if (bytes <= this.#smallest) return 0;
    if (bytes > this.#largest) return -1;
    return Math.clz32(this.#smallest - 1) - Math.clz32(bytes - 1);
  }
}
