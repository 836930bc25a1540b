import { ManualClock } from '@sluice/core/testing';
import { expect, test } from 'vitest';

import { resolveConfig, type ServiceConfig } from './config/index.ts';
import { HttpError } from './http/index.ts';
import { createPolicies } from './policies.ts';

function policiesOf(given: ServiceConfig) {
  const resolution = resolveConfig(given as never);
  if (!resolution.ok) throw new Error(JSON.stringify(resolution.problems));
  return createPolicies(resolution.config, new ManualClock());
}

test('there is a policy for each name of the configuration, with its options', () => {
  const { limiters, breakers, pools } = policiesOf({
    limiters: { slow: { ratePerSecond: 2.5 }, fast: { ratePerSecond: 10, capacity: 50 } },
    breakers: { orders: {} },
    pools: { io: { size: 3, queue: 4 } },
  });
  expect(limiters.get('slow')!.stats()).toMatchObject({ ratePerSecond: 2.5, capacity: 3 });
  expect(limiters.get('fast')!.stats()).toMatchObject({ ratePerSecond: 10, capacity: 50 });
  expect([...breakers.keys()]).toEqual(['orders']);
  expect([...pools.keys()]).toEqual(['io']);
  expect(pools.get('io')!.stats()).toMatchObject({ size: 3, queueCapacity: 4 });
});

test('policies of one name in the configuration have different names of their own', () => {
  const { limiters, breakers, pools } = policiesOf({
    limiters: { orders: { ratePerSecond: 1 } },
    breakers: { orders: {} },
    pools: { orders: {} },
  });
  const names = [limiters, breakers, pools].map((all) => all.get('orders')?.name);
  expect(names).toEqual(['limiter orders', 'breaker orders', 'pool orders']);
});

test('every policy is found by its own name and by its kind, whatever it limits by', () => {
  const { limiters, breakers, pools, registry } = policiesOf({
    limiters: { public: { ratePerSecond: 1 }, tenants: { ratePerSecond: 1, key: 'ip' } },
    breakers: { orders: {} },
    pools: { io: {} },
  });
  expect(registry.get('limiter public')).toBe(limiters.get('public'));
  expect(registry.ofKind('rate-limiter')).toEqual([...limiters.values()]);
  expect(registry.ofKind('circuit-breaker')).toEqual([...breakers.values()]);
  expect(registry.ofKind('pool')).toEqual([...pools.values()]);
  expect(registry.size).toBe(4);
});

test.each([
  ['a failure', new Error('down'), 'failed'],
  ['an answer of 500', new HttpError(500, 'down'), 'failed'],
  ['an answer of 503', new HttpError(503, 'down'), 'failed'],
  ['an answer of 404', new HttpError(404, 'none'), 'succeeded'],
  ['a foreign error of 422', Object.assign(new Error('wrong'), { statusCode: 422 }), 'succeeded'],
  ['undefined', undefined, 'failed'],
] as const)('%s that a handler throws counts as %s', async (_, thrown, kind) => {
  const breaker = policiesOf({ breakers: { orders: {} } }).breakers.get('orders')!;
  const call = breaker.execute(() => {
    throw thrown as Error;
  });
  await expect(call).rejects.toBe(thrown);
  const { succeeded, failed, ignored } = breaker.stats();
  expect({ succeeded, failed, ignored }).toEqual({
    succeeded: 0,
    failed: 0,
    ignored: 0,
    [kind]: 1,
  });
});
