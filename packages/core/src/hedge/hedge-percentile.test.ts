import { expect, test } from 'vitest';
import { ManualClock, SeededRandom } from '../testing/index.ts';
import { Hedge } from './hedge.ts';

test.each([
  { percentile: 0.9, seed: 1 },
  { percentile: 0.95, seed: 2 },
])(
  'at steady latencies the share of calls that is hedged stays what percentile $percentile leaves',
  async ({ percentile, seed }) => {
    const clock = new ManualClock();
    const random = new SeededRandom(seed);
    const hedge = new Hedge({ percentile, windowMs: 20_000, budgetRatio: 1, clock });
    const task = (): Promise<void> =>
      new Promise((resolve) => {
        clock.schedule(1 + 100 * random.next(), resolve);
      });
    let before = 0;
    const shares: number[] = [];
    for (let round = 0; round < 8; round++) {
      for (let n = 0; n < 20; n++) {
        const calls = Array.from({ length: 25 }, () => hedge.execute(task));
        await clock.run(210);
        await Promise.all(calls);
      }
      const { hedged } = hedge.stats();
      shares.push((hedged - before) / 500);
      before = hedged;
    }
    // The first calls are not hedged, as too few are known.
    for (const share of shares.slice(1)) {
      expect(Math.abs(share - (1 - percentile))).toBeLessThan(0.05);
    }
    const mean = shares.slice(1).reduce((sum, share) => sum + share, 0) / (shares.length - 1);
    expect(mean / (1 - percentile)).toBeGreaterThan(0.8);
    expect(mean / (1 - percentile)).toBeLessThan(1.25);
  },
);
