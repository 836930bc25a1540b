import { hashString, type HashSeed } from './string-hash.ts';

/** The table is doubled when more than this share of its places is taken. */
const FULLEST = 0.7;
const FEWEST_PLACES = 16;
/** A place holds a slot, and above it as many bits of the hash as there is room for. */
const SLOT = 0x00ff_ffff;
const TAG = ~SLOT;

/**
 * Gives each text a slot: a small integer from 1, by which arrays beside it hold what belongs to the text.
 * A slot that becomes free is given out again before a new one. For many texts that come and go: a
 * lookup touches fewer lines of memory than that of a Map, nothing is allocated but when it grows, and
 * slots can be gone through in order while texts come and go.
 *
 * Open addressing with linear probing, four bytes to a place; a text that leaves closes the gap, so that no
 * place is ever marked as deleted. O(1) but for growing, which is O(texts); 18 to 28 bytes a text beside
 * the text itself. Holds up to 16,777,215 texts.
 * @see Knuth, The Art of Computer Programming, volume 3, section 6.4, algorithm R
 */
export class StringSlots {
  readonly #seed: HashSeed;
  /** Slot and tag; 0: the place is free. */
  #places: Int32Array = new Int32Array(FEWEST_PLACES);
  #mask = FEWEST_PLACES - 1;
  /** The text of each slot. */
  readonly #texts: (string | undefined)[] = [undefined];
  /** The hash of the text; for a slot that is free, the next free one. */
  #hashes: Int32Array = new Int32Array(FEWEST_PLACES);
  #firstFree = 0;
  #size = 0;
  /** The last text that was looked up in vain, which is likely to be added, and its hash. */
  #missing = '';
  #missingHash: number;

  /** @param seed two integers of 32 bits, secret where strangers send the texts */
  constructor(seed: HashSeed) {
    this.#seed = seed;
    this.#missingHash = hashString('', seed);
  }

  /** Texts that have a slot. */
  get size(): number {
    return this.#size;
  }

  /** All slots are below this. */
  get end(): number {
    return this.#texts.length;
  }

  /** The slot of `text`, or 0. */
  slotOf(text: string): number {
    const hash = hashString(text, this.#seed);
    const places = this.#places;
    const mask = this.#mask;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const entry = places[place] as number;
      if (entry === 0) break;
      if (((entry ^ hash) & TAG) === 0 && this.#texts[entry & SLOT] === text) return entry & SLOT;
    }
    this.#missing = text;
    this.#missingHash = hash;
    return 0;
  }

  /** The text of a slot; undefined: the slot is free. */
  textOf(slot: number): string | undefined {
    return this.#texts[slot];
  }

  /** Gives a slot to `text`, which has none. @throws RangeError when it holds the most that it can. */
  add(text: string): number {
    if (this.#size >= FULLEST * (this.#mask + 1)) this.#grow();
    const hash = text === this.#missing ? this.#missingHash : hashString(text, this.#seed);
    const slot = this.#takeSlot();
    this.#texts[slot] = text;
    this.#hashes[slot] = hash;
    this.#put(hash, slot);
    this.#size++;
    return slot;
  }

  /** Frees a slot that a text has. */
  delete(slot: number): void {
    const mask = this.#mask;
    let gap = (this.#hashes[slot] as number) & mask;
    while (((this.#places[gap] as number) & SLOT) !== slot) gap = (gap + 1) & mask;
    this.#close(gap);
    this.#texts[slot] = undefined;
    this.#hashes[slot] = this.#firstFree;
    this.#firstFree = slot;
    this.#size--;
  }

  #takeSlot(): number {
    const free = this.#firstFree;
    if (free !== 0) {
      this.#firstFree = this.#hashes[free] as number;
      return free;
    }
    const slot = this.#texts.length;
    if (slot > SLOT) throw new RangeError(`StringSlots: there is room for ${SLOT} texts at most`);
    if (slot === this.#hashes.length) {
      const hashes = new Int32Array(Math.ceil(slot * 1.25));
      hashes.set(this.#hashes);
      this.#hashes = hashes;
    }
    return this.#texts.push(undefined) - 1;
  }

  #put(hash: number, slot: number): void {
    const places = this.#places;
    const mask = this.#mask;
    let place = hash & mask;
    while (places[place] !== 0) place = (place + 1) & mask;
    places[place] = (hash & TAG) | slot;
  }

  /** Moves back into the gap what could not have its own place because of it. */
  #close(from: number): void {
    const places = this.#places;
    const mask = this.#mask;
    let gap = from;
    for (let place = (gap + 1) & mask; places[place] !== 0; place = (place + 1) & mask) {
      const entry = places[place] as number;
      const home = (this.#hashes[entry & SLOT] as number) & mask;
      if (((place - home) & mask) < ((place - gap) & mask)) continue;
      places[gap] = entry;
      gap = place;
    }
    places[gap] = 0;
  }

  #grow(): void {
    const before = this.#places;
    this.#mask = 2 * this.#mask + 1;
    this.#places = new Int32Array(this.#mask + 1);
    for (const entry of before) {
      if (entry !== 0) this.#put(this.#hashes[entry & SLOT] as number, entry & SLOT);
    }
  }
}
