import type { Random } from '../core/index.ts';

/**
 * A generator that repeats its run for the same seed: xoshiro128**, seeded by splitmix32. A few ns a
 * draw, so that a simulation can make millions. Not for secrets.
 * @see https://prng.di.unimi.it/xoshiro128starstar.c
 */
export class SeededRandom implements Random {
  readonly seed: number;
  readonly #state = new Uint32Array(4);

  constructor(seed: number) {
    this.seed = seed;
    let mixed = Math.trunc(seed) >>> 0;
    for (let i = 0; i < 4; i++) {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      this.#state[i] = splitmix32(mixed);
    }
  }

  next(): number {
    return this.#bits() / 2 ** 32;
  }

  /** 32 uniform bits. */
  #bits(): number {
    const state = this.#state;
    const a = state[0] as number;
    const b = state[1] as number;
    const c = state[2] as number;
    const d = state[3] as number;
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    state[2] = c ^ a;
    state[3] = d ^ b;
    state[1] = b ^ (c ^ a);
    state[0] = a ^ (d ^ b);
    state[2] = c ^ a ^ (b << 9);
    state[3] = rotateLeft(d ^ b, 11);
    return result;
  }
}

function splitmix32(seed: number): number {
  let mixed = Math.imul(seed ^ (seed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

function rotateLeft(bits: number, by: number): number {
  return ((bits << by) | (bits >>> (32 - by))) >>> 0;
}
