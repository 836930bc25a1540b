import { expect, test } from 'vitest';
import { SeededRandom } from '../testing/index.ts';
import { aBackoff, Backoff, type BackoffOptions } from './backoff.ts';
import { InvalidOptionsError } from './errors.ts';

const always = (draw: number) => ({ next: () => draw });

function delays(options: BackoffOptions, count: number, random = always(0.5)): number[] {
  const backoff = new Backoff(options, random);
  return Array.from({ length: count }, () => backoff.nextMs());
}

test('a constant backoff waits the same time, or a part of it by chance', () => {
  expect(delays({ type: 'constant', delayMs: 100 }, 3)).toEqual([100, 100, 100]);
  expect(delays({ type: 'constant', delayMs: 100, jitter: 'full' }, 2)).toEqual([50, 50]);
  expect(delays({ type: 'constant', delayMs: 100, jitter: 'equal' }, 2)).toEqual([75, 75]);
});

test('an exponential backoff grows by its factor up to its longest, then jitter shortens it', () => {
  const grows: BackoffOptions = { type: 'exponential', baseMs: 10, maxMs: 50, jitter: 'none' };
  expect(delays(grows, 5)).toEqual([10, 20, 40, 50, 50]);
  expect(delays({ ...grows, factor: 3 }, 3)).toEqual([10, 30, 50]);
  expect(delays({ ...grows, jitter: 'full' }, 4)).toEqual([5, 10, 20, 25]);
  expect(delays({ ...grows, jitter: 'equal' }, 4)).toEqual([7.5, 15, 30, 37.5]);
  expect(delays({ type: 'exponential', baseMs: 10 }, 2_000).at(-1)).toBe(15_000);
});

test('with decorrelated jitter the first delays have a median near the base, and doubling sums', () => {
  const random = new SeededRandom(1);
  const runs = Array.from({ length: 20_001 }, () =>
    delays({ type: 'decorrelated-jitter', baseMs: 100 }, 6, random),
  );
  const median = (retry: number): number =>
    runs.map((run) => run[retry] as number).toSorted((a, b) => a - b)[10_000] as number;
  expect(median(0) / 100).toBeCloseTo(0.9, 1);
  for (const retry of [2, 3, 4]) expect(median(retry + 1) / median(retry)).toBeCloseTo(2, 0);
  // As published: the sum of n delays is 2^(n - 1 + u) tanh(sqrt(4 (n - 1 + u))) / 1.4 for a chance u.
  const sums = runs.map((run) => (run.reduce((sum, ms) => sum + ms, 0) * 1.4) / 100);
  expect(Math.min(...sums)).toBeGreaterThanOrEqual(2 ** 5 * Math.tanh(Math.sqrt(20)));
  expect(Math.max(...sums)).toBeLessThan(2 ** 6);
});

test('with decorrelated jitter no delay is above the longest, however many there are', () => {
  const random = new SeededRandom(2);
  const many = delays({ type: 'decorrelated-jitter', maxMs: 1000 }, 3000, random);
  expect(many.every((ms) => ms > 0 && ms <= 1000)).toBe(true);
});

test('a backoff that is reset begins anew, or where it was', () => {
  const backoff = new Backoff({ type: 'exponential', baseMs: 1, jitter: 'none' }, always(0));
  for (let i = 0; i < 4; i++) backoff.nextMs();
  expect([backoff.delays, backoff.nextMs()]).toEqual([4, 16]);
  backoff.reset();
  expect([backoff.delays, backoff.nextMs()]).toEqual([0, 1]);
  backoff.reset(3);
  expect(backoff.nextMs()).toBe(8);
  const decorrelated = new Backoff({ type: 'decorrelated-jitter', baseMs: 1 }, always(0.5));
  const first = Array.from({ length: 5 }, () => decorrelated.nextMs());
  decorrelated.reset(4);
  expect(decorrelated.nextMs()).toBe(first[4]);
});

test.for<[BackoffOptions, string]>([
  [{ type: 'constant', delayMs: 0 }, 'delayMs must be a finite number above 0, got 0'],
  [{ type: 'exponential', baseMs: 10, maxMs: 5 }, 'maxMs must be at least baseMs (10), got 5'],
  [{ type: 'exponential', baseMs: 1, factor: 0.5 }, 'factor must be a finite number of at least 1'],
  [{ type: 'decorrelated-jitter', jitter: 'full' } as never, 'jitter must be left out'],
])('wrong: %j', ([options, message]) => {
  expect(aBackoff.accepts(options)).toBe(false);
  const problems = aBackoff.inside?.(options) ?? [];
  expect(new InvalidOptionsError('x', problems).message).toContain(message);
});

test('what is no backoff at all is not one', () => {
  const none = [undefined, null, 5, {}, { type: 'linear' }, { type: 'toString' }];
  expect(none.filter((value) => aBackoff.accepts(value))).toEqual([]);
});
