import { expect, test } from 'vitest';
import { TokenBucket } from '../rate-limiter/index.ts';
import { rateLimiterConformance, type ConformanceSettings } from './index.ts';

/** The names of the promises that a limiter breaks. */
async function broken(create: (settings: ConformanceSettings) => TokenBucket): Promise<string[]> {
  const names: string[] = [];
  for (const { name, run } of rateLimiterConformance({ create })) {
    await run().catch(() => names.push(name));
  }
  return names;
}

test('a limiter that keeps its promises passes every case', async () => {
  expect(await broken((settings) => new TokenBucket(settings))).toEqual([]);
});

test('a limiter that lets everybody in is found out', async () => {
  class Open extends TokenBucket {
    override allow(): boolean {
      return true;
    }
  }
  expect(await broken((settings) => new Open(settings))).toContain(
    'no window of time sees more than the capacity and what the rate earns in it',
  );
});

test('a limiter that names a time too early is found out', async () => {
  class Hasty extends TokenBucket {
    override retryAfterMs(n = 1): number {
      return super.retryAfterMs(n) * 0.9;
    }
  }
  expect(await broken((settings) => new Hasty(settings))).toContain(
    'after exactly retryAfterMs the call is let in, and a step earlier it is not',
  );
});

test('cases about what a limiter does not have are left out', () => {
  const create = (settings: ConformanceSettings) => new TokenBucket(settings);
  const names = rateLimiterConformance({ create }).map(({ name }) => name);
  const fewer = rateLimiterConformance({ create, without: ['reserve', 'setCapacity'] });
  expect(names.filter((name) => !fewer.some((left) => left.name === name))).toEqual([
    'a reservation given back at once leaves no trace, and comes back once',
    'reservations far ahead given back at once leave no trace, and mint nothing later',
    'a lower capacity cuts what is there, a higher one adds nothing to a spent one',
  ]);
});
