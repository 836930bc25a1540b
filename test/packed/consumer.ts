// What a user might write first. `pack.test.ts` compiles and runs it against the packed packages.
import type { TokenBucketOptions } from '@sluice/core';
import { CircuitBreaker, RateLimitedError, ThreadPool, TokenBucket } from '@sluice/core';
import { ManualClock } from '@sluice/core/testing';
import { createService } from 'sluice';

const clock = new ManualClock();
const options: TokenBucketOptions = { ratePerSecond: 10, capacity: 1, clock };
const limiter = new TokenBucket(options);
const breaker = new CircuitBreaker({ clock });

const answer: number = await breaker.execute(() => limiter.execute(() => Promise.resolve(42)));
const refusal: unknown = await limiter
  .execute(() => Promise.resolve(43))
  .catch((error: unknown) => error);
if (!(refusal instanceof RateLimitedError)) throw new Error('the second call was let in');

/** The types are those of the package, not `any`. */
export const wrong = (): TokenBucket =>
  // @ts-expect-error A rate is a number.
  new TokenBucket({ ratePerSecond: 'ten' });

const squares: number[] = [];
for (const isolation of ['thread', 'process'] as const) {
  await using pool = new ThreadPool({ size: 1, isolation });
  squares.push(await pool.define('square', (x: number) => x * x)(7));
}

console.log(answer, refusal.code, typeof createService, squares);
