import { CircuitBreaker, TokenBucket, WorkerPool } from '@sluice/core';
import { ManualClock } from '@sluice/core/testing';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { Endpoints } from './endpoints.ts';
import { createRegistry } from './prometheus.ts';

function setup() {
  const clock = new ManualClock();
  const endpoints = new Endpoints();
  const sources = {
    endpoints,
    activeRequests: () => 3,
    limiters: new Map([['public', new TokenBucket({ ratePerSecond: 1, capacity: 2, clock })]]),
    breakers: new Map([['orders', new CircuitBreaker({ clock })]]),
    pools: new Map([['io', new WorkerPool({ size: 4, queue: 5, clock })]]),
  };
  return { ...sources, registry: createRegistry(sources) };
}

/** The lines of one metric. */
const linesOf = async (registry: { metrics(): Promise<string> }, name: string) =>
  (await registry.metrics()).split('\n').filter((line) => line.startsWith(name));

test('what is counted is read when it is asked for, and not before', async () => {
  const { registry, endpoints, limiters } = setup();
  const orders = endpoints.add('GET', '/orders/:id');
  expect(await linesOf(registry, 'http_requests_total')).toEqual([]);
  orders.record(200, 10);
  limiters.get('public')!.allow();
  expect(await linesOf(registry, 'http_requests_total')).toEqual([
    'http_requests_total{method="GET",endpoint="/orders/:id",status="200"} 1',
  ]);
  expect(await linesOf(registry, 'sluice_ratelimiter_allowed_total')).toEqual([
    'sluice_ratelimiter_allowed_total{name="public"} 1',
  ]);
});

test('the metrics are those of the design, by name', async () => {
  const { registry } = setup();
  const text = await registry.metrics();
  const ours = /^# TYPE ((?:http|worker_pool|sluice)_\S+) (\S+)$/gm;
  expect([...text.matchAll(ours)].map(([, name, type]) => `${name} ${type}`)).toEqual([
    'http_requests_total counter',
    'http_request_duration_seconds histogram',
    'http_server_active_requests gauge',
    'sluice_ratelimiter_allowed_total counter',
    'sluice_ratelimiter_rejected_total counter',
    'sluice_ratelimiter_available_permissions gauge',
    'sluice_ratelimiter_waiting gauge',
    'sluice_ratelimiter_keys gauge',
    'sluice_ratelimiter_overflowed_total counter',
    'sluice_ratelimiter_evicted_total counter',
    'sluice_circuitbreaker_state gauge',
    'sluice_circuitbreaker_calls_total counter',
    'sluice_circuitbreaker_not_permitted_calls_total counter',
    'sluice_circuitbreaker_failure_rate gauge',
    'sluice_circuitbreaker_slow_call_rate gauge',
    'worker_pool_active gauge',
    'worker_pool_size gauge',
    'worker_pool_queued gauge',
    'worker_pool_queue_capacity gauge',
    'worker_pool_submitted_total counter',
    'worker_pool_completed_total counter',
    'worker_pool_failed_total counter',
    'worker_pool_ignored_total counter',
    'worker_pool_aborted_total counter',
    'worker_pool_expired_total counter',
    'worker_pool_abandoned_total counter',
    'worker_pool_rejected_total counter',
    'worker_pool_wait_seconds histogram',
    'worker_pool_run_seconds histogram',
  ]);
});

test('a histogram counts each duration in its bucket and in all above, in seconds', async () => {
  const durations = fc.array(fc.double({ min: 0, max: 60_000, noNaN: true }), {
    minLength: 1,
    maxLength: 30,
  });
  await fc.assert(
    fc.asyncProperty(durations, async (all) => {
      const { registry, endpoints } = setup();
      const endpoint = endpoints.add('GET', '/');
      for (const ms of all) endpoint.record(200, ms);
      const lines = await linesOf(registry, 'http_request_duration_seconds_bucket{method="GET"');
      const buckets = lines.map((line) => ({
        bound: Number(/le="([^"]+)"/.exec(line)?.[1]?.replace('+Inf', 'Infinity')),
        count: Number(line.split(' ').at(-1)),
      }));
      expect(buckets.at(-1)).toEqual({ bound: Infinity, count: all.length });
      for (const { bound, count } of buckets) {
        // The histogram knows a duration within 1 %.
        expect(count).toBeGreaterThanOrEqual(all.filter((ms) => ms <= bound * 1000 * 0.99).length);
        expect(count).toBeLessThanOrEqual(all.filter((ms) => ms <= bound * 1000 * 1.01).length);
      }
      const [sum = ''] = await linesOf(registry, 'http_request_duration_seconds_sum{method="GET"');
      const seconds = all.reduce((total, ms) => total + ms, 0) / 1000;
      expect(Number(sum.split(' ').at(-1))).toBeCloseTo(seconds, 6);
    }),
    { numRuns: 20 },
  );
});

test('a second registry of the process exports the process too', async () => {
  const [one, other] = [setup().registry, setup().registry];
  for (const registry of [one, other]) {
    expect(await linesOf(registry, 'process_start_time_seconds ')).toHaveLength(1);
    expect(await linesOf(registry, 'nodejs_eventloop_lag_seconds ')).toHaveLength(1);
  }
});
