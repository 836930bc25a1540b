/** Two secret words, drawn by a generator that nobody can guess. */
export type HashSeed = readonly [number, number];

/** Rounds after the last word. */
const FINAL_ROUNDS = 3;

/**
 * Hash of a text, a signed 32-bit integer. Keyed: who sends the texts cannot choose such as collide
 * unless he knows the seed. O(length), some 5 ns a character; allocates nothing.
 *
 * HalfSipHash-1-3 of the text in UTF-16, little endian.
 * @see https://www.aumasson.jp/siphash/siphash.pdf
 */
export function hashString(text: string, [seed0, seed1]: HashSeed): number {
  const { length } = text;
  const lastWord = length >> 1;
  let v0 = seed0;
  let v1 = seed1;
  let v2 = 0x6c79_6765 ^ seed0;
  let v3 = 0x7465_6462 ^ seed1;
  for (let i = 0; i <= lastWord + FINAL_ROUNDS; i++) {
    let word = 0;
    if (i < lastWord) word = text.charCodeAt(2 * i) | (text.charCodeAt(2 * i + 1) << 16);
    else if (i === lastWord) word = (length << 25) | (length & 1 ? text.charCodeAt(2 * i) : 0);
    else if (i === lastWord + 1) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}
