/**
 * Entries that a newcomer looks at, to find out which are to be forgotten. One while there is plenty of
 * room: a key that comes again is cheaper than one that is new. More above `CROWDED`, most when it is full.
 */
const LOOKED_AT = 1;
const LOOKED_AT_WHEN_CROWDED = 4;
const LOOKED_AT_WHEN_FULL = 32;
/** Share of `maxKeys`. */
const CROWDED = 0.75;

/** The slot that all share who find no room. */
export const OVERFLOW = 0;

/**
 * Which slot of the state arrays belongs to which key: a map and one counter a slot. A hand goes round
 * over the keys, a few steps with every newcomer, and takes out those of which nothing is remembered.
 */
export class KeyTable {
  readonly #slots = new Map<string, number>();
  readonly #isForgotten: (slot: number) => boolean;
  #hand: MapIterator<[string, number]> | undefined;
  /** Permits taken by the key of a slot; of a slot that is free, the free one after it. */
  #uses: Uint32Array = new Uint32Array(1);
  #firstFree = 0;
  #nextUnused = 1;
  maxKeys: number;
  evicted = 0;

  /** @param isForgotten whether the slot says no more than that of a key never seen */
  constructor(maxKeys: number, isForgotten: (slot: number) => boolean) {
    this.maxKeys = maxKeys;
    this.#isForgotten = isForgotten;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Slots there is room for. Whoever has arrays beside this one makes them as long. */
  get length(): number {
    return this.#uses.length;
  }

  slotOf(key: string): number | undefined {
    return this.#slots.get(key);
  }

  /** A slot for a key that has none, or OVERFLOW. */
  add(key: string): number {
    this.#sweep(this.#steps());
    if (this.size >= this.maxKeys) return OVERFLOW;
    const slot = this.#takeSlot();
    this.#uses[slot] = 0;
    this.#slots.set(key, slot);
    return slot;
  }

  delete(key: string): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    this.#slots.delete(key);
    this.#uses[slot] = this.#firstFree;
    this.#firstFree = slot;
  }

  entries(): MapIterator<[string, number]> {
    return this.#slots.entries();
  }

  used(slot: number): number {
    return this.#uses[slot] as number;
  }

  use(slot: number, n: number): void {
    // It stops at 4 billion, where it would begin again.
    this.#uses[slot] = Math.min((this.#uses[slot] as number) + n, 0xffff_ffff);
  }

  #steps(): number {
    if (this.size >= this.maxKeys) return LOOKED_AT_WHEN_FULL;
    return this.size < this.maxKeys * CROWDED ? LOOKED_AT : LOOKED_AT_WHEN_CROWDED;
  }

  #sweep(steps: number): void {
    for (let step = Math.min(steps, this.size); step > 0; step--) {
      this.#hand ??= this.#slots.entries();
      const { done, value } = this.#hand.next();
      if (done) {
        this.#hand = undefined;
      } else if (this.#isForgotten(value[1])) {
        this.delete(value[0]);
        this.evicted++;
      }
    }
  }

  #takeSlot(): number {
    const free = this.#firstFree;
    if (free !== 0) {
      this.#firstFree = this.#uses[free] as number;
      return free;
    }
    if (this.#nextUnused === this.#uses.length) this.#grow();
    return this.#nextUnused++;
  }

  /** By a quarter: what is held in advance counts as memory of the keys there are. */
  #grow(): void {
    const { length } = this.#uses;
    const longer = new Uint32Array(Math.min(this.maxKeys + 1, Math.ceil(length * 1.25) + 16));
    longer.set(this.#uses);
    this.#uses = longer;
  }
}
