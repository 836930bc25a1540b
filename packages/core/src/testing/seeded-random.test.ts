import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeededRandom } from './seeded-random.ts';

const BITS = 2 ** 32;

function draws(seed: number, count: number): number[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, () => random.next());
}

/** How far the counts are from all being equal. */
function chiSquare(counts: readonly number[], expected: number): number {
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

// The numbers of the authors' C code, seeded alike.
test.each([
  { seed: 0, first: [1789933344, 44971166, 2521387044, 3848737593], millionth: 2470510109 },
  { seed: 1, first: [393288148, 2174103013, 3814759091, 2092745082], millionth: 2904505416 },
  { seed: 42, first: [660444221, 3652823732, 77672526, 910233633], millionth: 285724258 },
  {
    seed: 4294967295,
    first: [4104197751, 1825856343, 1152209388, 2427537429],
    millionth: 369485560,
  },
])('seed $seed gives the sequence of xoshiro128**', ({ seed, first, millionth }) => {
  const random = new SeededRandom(seed);
  const bits = (): number => random.next() * BITS;
  expect(first.map(bits)).toEqual(first);
  for (let draw = first.length + 1; draw < 1_000_000; draw++) random.next();
  expect(bits()).toBe(millionth);
});

test('the same seed gives the same run, and tells itself', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      expect(draws(seed, 20)).toEqual(draws(seed, 20));
      expect(new SeededRandom(seed).seed).toBe(seed);
    }),
  );
});

test('neighbouring seeds give runs that have nothing in common', () => {
  const firsts = Array.from({ length: 10_000 }, (_, seed) => draws(seed, 1)[0]);
  expect(new Set(firsts).size).toBe(firsts.length);
  const mean = firsts.reduce((sum: number, draw) => sum + (draw as number), 0) / firsts.length;
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.01);
});

test('every draw is at least 0 and below 1', () => {
  for (const seed of [0, 1, -1, 2 ** 31, 2 ** 32 - 1]) {
    expect(draws(seed, 10_000).every((draw) => draw >= 0 && draw < 1)).toBe(true);
  }
});

test('draws are uniform, alone and in pairs', () => {
  const all = draws(7, 200_000);
  const alone = new Array<number>(100).fill(0);
  const pairs = new Array<number>(100).fill(0);
  for (const [i, draw] of all.entries()) {
    const tenth = Math.floor(10 * draw);
    alone[Math.floor(100 * draw)]! += 1;
    if (i > 0) pairs[10 * Math.floor(10 * (all[i - 1] as number)) + tenth]! += 1;
  }
  // 99 degrees of freedom: one true run in a thousand lies above 148.2, one in a thousand below 61.1.
  for (const counts of [alone, pairs]) {
    const distance = chiSquare(counts, 2_000);
    expect(distance).toBeLessThan(148.2);
    expect(distance).toBeGreaterThan(61.1);
  }
});
