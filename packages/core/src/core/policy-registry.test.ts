import { expect, test } from 'vitest';
import { CircuitBreaker } from '../circuit-breaker/index.ts';
import { TokenBucket } from '../rate-limiter/index.ts';
import { InvalidOptionsError } from './errors.ts';
import { PolicyRegistry } from './policy-registry.ts';

test('policies are found by name and by kind, with their stats', () => {
  const registry = new PolicyRegistry();
  const breaker = registry.add(new CircuitBreaker({ name: 'payments' }));
  const bucket = registry.add(new TokenBucket({ name: 'public', ratePerSecond: 1 }));
  expect(registry.get('payments')).toBe(breaker);
  expect(registry.get('other')).toBeUndefined();
  expect(registry.ofKind('rate-limiter')).toEqual([bucket]);
  expect(Object.keys(registry.stats())).toEqual(['payments', 'public']);
  expect([...registry]).toEqual([breaker, bucket]);
  expect([registry.delete('payments'), registry.delete('payments'), registry.size]).toEqual([
    true,
    false,
    1,
  ]);
});

test('a name stands for one policy, and only policies are taken', () => {
  const registry = new PolicyRegistry();
  const bucket = new TokenBucket({ name: 'public', ratePerSecond: 1 });
  expect(registry.add(bucket)).toBe(registry.add(bucket));
  expect(() => registry.add(new TokenBucket({ name: 'public', ratePerSecond: 2 }))).toThrow(
    'name must be a name that no other policy of the registry has, got "public"',
  );
  expect(() => registry.add({} as never)).toThrow(InvalidOptionsError);
  expect(registry.size).toBe(1);
});
