import { describe, expect, test } from 'vitest';
import {
  rateLimiterConformance,
  type ConformanceSettings,
  type ConformingLimiter,
  type RateLimiterSubject,
} from '../testing/index.ts';
import {
  all,
  Gcra,
  KeyedLimiter,
  LeakyBucket,
  SlidingLog,
  SlidingWindow,
  TokenBucket,
  type KeyedLimiterOptions,
  type RateLimiter,
} from './index.ts';

/** One of the algorithms: as a limiter, as the limit of each key, and what it promises. */
interface Candidate extends Omit<RateLimiterSubject, 'create'> {
  readonly create: (settings: ConformanceSettings) => RateLimiter;
  readonly keyed: (settings: ConformanceSettings) => KeyedLimiterOptions;
}

const windowed = ({ clock, ratePerSecond, capacity }: ConformanceSettings) => ({
  clock,
  limit: capacity,
  windowMs: (capacity * 1000) / ratePerSecond,
});
const warming = (settings: ConformanceSettings) => ({
  ...settings,
  warmUpMs: (5 * 1000) / settings.ratePerSecond,
});

const candidates: Readonly<Record<string, Candidate>> = {
  TokenBucket: {
    create: (settings) => new TokenBucket(settings),
    keyed: (settings) => settings,
  },
  'TokenBucket that warms up': {
    create: (settings) => new TokenBucket(warming(settings)),
    keyed: warming,
    steady: false,
  },
  Gcra: {
    create: (settings) => new Gcra(settings),
    keyed: (settings) => ({ ...settings, algorithm: 'gcra' }),
  },
  LeakyBucket: {
    create: (settings) => new LeakyBucket(settings),
    keyed: (settings) => ({ ...settings, algorithm: 'leaky-bucket' }),
    spaced: true,
  },
  SlidingWindow: {
    create: (settings) => new SlidingWindow(windowed(settings)),
    keyed: (settings) => ({ ...windowed(settings), algorithm: 'sliding-window' }),
    mostCapacities: 2,
    steady: false,
  },
  SlidingLog: {
    create: (settings) => new SlidingLog(windowed(settings)),
    keyed: (settings) => ({ ...windowed(settings), algorithm: 'sliding-log' }),
    steady: false,
  },
};

/** One key between two that have nothing left. */
function oneKey(options: KeyedLimiterOptions): ConformingLimiter {
  const limiter = new KeyedLimiter(options);
  const capacity = options.capacity ?? options.limit ?? 1;
  limiter.penalty('before', capacity);
  const key = 'mine';
  limiter.available(key);
  limiter.penalty('after', capacity);
  return {
    allow: (n) => limiter.allow(key, n),
    reserve: (n) => limiter.reserve(key, n),
    wait: (n, wait) => limiter.wait(key, n, wait),
    retryAfterMs: (n) => limiter.retryAfterMs(key, n),
    available: () => limiter.available(key),
    peek: (nowMs, n) => limiter.peek(nowMs, n, { key }),
    setRate: (ratePerSecond) => limiter.setRate(ratePerSecond),
    setCapacity: (to) => limiter.setCapacity(to),
    stats: () => {
      const { allowed, rejected, waiting } = limiter.stats();
      return { allowed, rejected, waiting };
    },
    stop: () => limiter.stop(),
  };
}

/** Several limiters, the narrowest first, as one: it is changed by changing that one. */
function together(limiters: readonly RateLimiter[]): ConformingLimiter {
  const limiter = all(limiters);
  const narrowest = limiters[0] as RateLimiter;
  return {
    allow: (n) => limiter.allow(n),
    wait: (n, wait) => limiter.wait(n, wait),
    retryAfterMs: (n) => limiter.retryAfterMs(n),
    available: () => {
      const { capacity } = narrowest.stats();
      let n = 0;
      while (n < capacity && limiter.retryAfterMs(n + 1) === 0) n++;
      return n;
    },
    peek: (nowMs, n) => limiter.peek(nowMs, n),
    setRate: (ratePerSecond) => narrowest.setRate(ratePerSecond),
    setCapacity: (capacity) => narrowest.setCapacity(capacity),
    stats: () => {
      const { allowed, rejected, waiting } = limiter.stats();
      return { allowed, rejected, waiting };
    },
    stop: () => limiter.stop(),
  };
}

/** So wide that it never decides. */
function wider({ clock, ratePerSecond, capacity }: ConformanceSettings): RateLimiter {
  const wide = { ratePerSecond: ratePerSecond * 1000, capacity: capacity * 1000 };
  return new TokenBucket({ ...wide, clock, name: 'wider' });
}

type Subject = readonly [name: string, subject: RateLimiterSubject];

const subjects = Object.entries(candidates).flatMap(
  ([name, { create, keyed, ...promises }]): readonly Subject[] => {
    const inAll = { ...promises, without: ['reserve'] as const };
    return [
      [name, { ...promises, create }],
      [`${name} of a key`, { ...promises, create: (settings) => oneKey(keyed(settings)) }],
      [`all of one ${name}`, { ...inAll, create: (settings) => together([create(settings)]) }],
      [
        `all of a ${name} and a wider limit`,
        { ...inAll, create: (settings) => together([create(settings), wider(settings)]) },
      ],
    ];
  },
);

describe.each(subjects)('%s', (_name, subject) => {
  test.each(rateLimiterConformance(subject))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
