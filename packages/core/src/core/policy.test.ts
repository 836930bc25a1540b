import { expect, test } from 'vitest';
import { CircuitBreaker } from '../circuit-breaker/index.ts';
import { TokenBucket } from '../rate-limiter/index.ts';
import { pipeline } from './pipeline.ts';
import { isGatePolicy } from './policy.ts';

test('a policy that is a gate is known by its methods, and a pipeline is none', () => {
  const bucket = new TokenBucket({ ratePerSecond: 1 });
  expect(isGatePolicy(bucket)).toBe(true);
  expect(isGatePolicy(new CircuitBreaker())).toBe(true);
  expect(isGatePolicy(pipeline('orders', [bucket]))).toBe(false);
});
