import { describe, expect, test } from 'vitest';
import { rateLimiterConformance, type RateLimiterSubject } from '../testing/index.ts';
import { Gcra, LeakyBucket, SlidingLog, SlidingWindow, TokenBucket } from './index.ts';

const windowed = (ratePerSecond: number, capacity: number) => ({
  limit: capacity,
  windowMs: (capacity * 1000) / ratePerSecond,
});

const subjects: Readonly<Record<string, RateLimiterSubject>> = {
  TokenBucket: { create: (settings) => new TokenBucket(settings) },
  'TokenBucket that warms up': {
    create: (settings) =>
      new TokenBucket({ ...settings, warmUpMs: (5 * 1000) / settings.ratePerSecond }),
    steady: false,
  },
  Gcra: { create: (settings) => new Gcra(settings) },
  LeakyBucket: { create: (settings) => new LeakyBucket(settings), spaced: true },
  SlidingWindow: {
    create: ({ clock, ratePerSecond, capacity }) =>
      new SlidingWindow({ clock, ...windowed(ratePerSecond, capacity) }),
    mostCapacities: 2,
    steady: false,
  },
  SlidingLog: {
    create: ({ clock, ratePerSecond, capacity }) =>
      new SlidingLog({ clock, ...windowed(ratePerSecond, capacity) }),
    steady: false,
  },
};

describe.each(Object.entries(subjects))('%s', (_name, subject) => {
  test.each(rateLimiterConformance(subject))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
