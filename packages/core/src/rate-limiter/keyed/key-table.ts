import { StringSlots } from '../../collections/index.ts';
import { secretSeed } from '../../core/index.ts';

/**
 * Slots that a newcomer looks at, to find out which are to be forgotten. Few while there is plenty of
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
 * Which slot of the state arrays belongs to which key. A hand goes round over the slots, a few steps with
 * every newcomer, and takes out the keys of which nothing is remembered.
 */
export class KeyTable {
  readonly #slots = new StringSlots(secretSeed());
  readonly #isForgotten: (slot: number) => boolean;
  #hand = 0;
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

  /** The slot of a key, or OVERFLOW when it has none. */
  slotOf(key: string): number {
    return this.#slots.slotOf(key);
  }

  /** The key of a slot; undefined: nobody has it. */
  keyOf(slot: number): string | undefined {
    return this.#slots.textOf(slot);
  }

  /** A slot for a key that has none, or OVERFLOW. */
  add(key: string): number {
    this.#sweep(this.#steps());
    if (this.size >= this.maxKeys) return OVERFLOW;
    return this.#slots.add(key);
  }

  delete(slot: number): void {
    this.#slots.delete(slot);
  }

  /** The slots that keys have. Keys may come and go meanwhile. */
  *slots(): Generator<number> {
    for (let slot = 1; slot < this.#slots.end; slot++) {
      if (this.#slots.textOf(slot) !== undefined) yield slot;
    }
  }

  #steps(): number {
    if (this.size >= this.maxKeys) return LOOKED_AT_WHEN_FULL;
    return this.size < this.maxKeys * CROWDED ? LOOKED_AT : LOOKED_AT_WHEN_CROWDED;
  }

  #sweep(steps: number): void {
    const slots = this.#slots;
    for (let step = Math.min(steps, slots.size); step > 0; step--) {
      this.#hand = this.#hand + 1 < slots.end ? this.#hand + 1 : 1;
      if (slots.textOf(this.#hand) === undefined || !this.#isForgotten(this.#hand)) continue;
      slots.delete(this.#hand);
      this.evicted++;
    }
  }
}
