import { expect, test } from 'vitest';
import { SeededRandom } from '../testing/index.ts';
import { ChangeDetector } from './change-detector.ts';

/** After how many intervals it is noticed that 100 expected completions are now `mean`; Infinity: never. */
function noticedAfter(mean: number, seed: number, intervals: number): number {
  const random = new SeededRandom(seed);
  const detector = new ChangeDetector();
  for (let i = 1; i <= intervals; i++) {
    const interval = {
      size: 8,
      done: poisson(mean, random),
      expected: 100,
      known: 10_000,
      dispersion: 1,
    };
    if (detector.isAnother(interval)) return i;
  }
  return Infinity;
}

/** Arrivals in one unit of time, by exponential gaps. */
function poisson(mean: number, random: SeededRandom): number {
  let count = 0;
  for (let t = gap(random) / mean; t < 1; t += gap(random) / mean) count++;
  return count;
}

function gap(random: SeededRandom): number {
  return -Math.log(1 - random.next());
}

test('chance alone is never taken for another plant', () => {
  for (let seed = 1; seed <= 50; seed++) expect(noticedAfter(100, seed, 1000)).toBe(Infinity);
});

test('a pool that does a third less, or half as much again, is noticed in ten intervals', () => {
  for (let seed = 1; seed <= 50; seed++) {
    expect(noticedAfter(66, seed, 10), `less, seed ${seed}`).toBe(10);
    expect(noticedAfter(150, seed, 10), `more, seed ${seed}`).toBe(10);
  }
});

test('where too little was seen before there is nothing to compare with', () => {
  const detector = new ChangeDetector();
  const interval = { size: 8, done: 1, expected: 50, known: 99, dispersion: 1 };
  const answers = Array.from({ length: 30 }, () => detector.isAnother(interval));
  expect(answers).not.toContain(true);
});
