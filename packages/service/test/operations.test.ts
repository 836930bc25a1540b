import { expect, test } from 'vitest';

import { HttpError } from '../src/index.ts';
import { ask } from './support/ask.ts';
import { listening } from './support/listening.ts';
import { metricsOf, parseMetrics, seriesOf, valueOf } from './support/metrics.ts';
import { until } from './support/until.ts';

const chain = () =>
  listening({
    limiters: { public: { ratePerSecond: 0.001, capacity: 5 } },
    breakers: { orders: { consecutiveFailures: 2, openMs: 60_000 } },
    pools: { io: { size: 2, queue: 3 } },
    routes: [
      {
        path: '/orders/:id',
        limiter: 'public',
        breaker: 'orders',
        pool: 'io',
        handler: ({ params }) => {
          if (params['id'] === 'bad') throw new Error('bad');
          if (params['id'] === 'none') throw new HttpError(404, 'none');
          return params['id'];
        },
      },
    ],
  });

test('/livez and /readyz answer for whoever restarts and whoever balances', async () => {
  const { url } = await chain();
  for (const [path, status] of [
    ['/livez', 'alive'],
    ['/readyz', 'ready'],
  ]) {
    const answer = await ask(`${url}${path}`);
    expect([answer.status, await answer.json()]).toEqual([200, { status }]);
  }
});

test('/stats is valid JSON with finite numbers before the first request', async () => {
  const { url } = await chain();
  const stats = (await (await ask(`${url}/stats`)).json()) as Record<string, unknown>;
  expect(JSON.stringify(stats)).not.toContain('null');
  expect(stats).toMatchObject({
    state: 'ready',
    connections: 1,
    activeRequests: 1,
    requests: { total: 0, successRate: 0, errorRate: 0, minMs: 0, maxMs: 0, meanMs: 0, p99Ms: 0 },
    limiters: { public: { allowed: 0, rejected: 0, available: 5, capacity: 5 } },
    breakers: { orders: { state: 'closed', failureRate: 0 } },
    pools: { io: { size: 2, active: 0, queued: 0, queueCapacity: 3 } },
  });
});

test('/stats and /metrics count what was sent, and agree with each other', async () => {
  const { url, service } = await chain();
  const sent = ['1', '2', 'none', 'bad', 'bad', 'over the limit', 'and again'];
  const statuses = [];
  for (const id of sent) statuses.push((await ask(`${url}/orders/${id}`)).status);
  expect(statuses).toEqual([200, 200, 404, 500, 500, 429, 429]);
  expect((await ask(`${url}/nowhere`)).status).toBe(404);
  service.limiters.get('public')!.update({ capacity: 6, ratePerSecond: 1e9 });
  expect((await ask(`${url}/orders/3`)).status).toBe(503);

  expect(service.stats()).toMatchObject({
    requests: { total: 9, succeeded: 2, failed: 7, errorRate: 7 / 9 },
    limiters: { public: { allowed: 6, rejected: 2 } },
    breakers: { orders: { state: 'open', succeeded: 3, failed: 2, notPermitted: 1 } },
    pools: { io: { submitted: 5, completed: 2, failed: 3, rejected: 0 } },
  });

  const metrics = await metricsOf(url);
  const value = (name: string, labels: Record<string, string> = {}): number =>
    valueOf(metrics, name, labels);
  const order = { method: 'GET', endpoint: '/orders/:id' };
  const counts = { '200': 2, '404': 1, '500': 2, '429': 2, '503': 1 };
  for (const [status, count] of Object.entries(counts)) {
    expect([status, value('http_requests_total', { ...order, status })]).toEqual([status, count]);
  }
  expect(value('http_requests_total', { endpoint: 'unmatched', status: '404' })).toBe(1);
  expect(value('http_request_duration_seconds_count', order)).toBe(8);
  expect(value('http_server_active_requests')).toBe(1);
  const pool = { pool: 'io' };
  expect(value('worker_pool_size', pool)).toBe(2);
  expect(value('worker_pool_queue_capacity', pool)).toBe(3);
  expect(value('worker_pool_active', pool)).toBe(0);
  expect(value('worker_pool_queued', pool)).toBe(0);
  expect(value('worker_pool_submitted_total', pool)).toBe(5);
  expect(value('worker_pool_completed_total', pool)).toBe(2);
  expect(value('worker_pool_failed_total', pool)).toBe(3);
  expect(value('worker_pool_rejected_total', pool)).toBe(0);
  expect(value('worker_pool_run_seconds_count', pool)).toBe(5);
  expect(value('worker_pool_wait_seconds_count', pool)).toBe(5);
  const breaker = { name: 'orders' };
  const states = ['closed', 'open', 'half-open'].map((state) =>
    value('sluice_circuitbreaker_state', { ...breaker, state }),
  );
  expect(states).toEqual([0, 1, 0]);
  const kinds = ['succeeded', 'failed', 'ignored'].map((kind) =>
    value('sluice_circuitbreaker_calls_total', { ...breaker, kind }),
  );
  expect(kinds).toEqual([3, 2, 0]);
  expect(value('sluice_circuitbreaker_not_permitted_calls_total', breaker)).toBe(1);
  expect(value('sluice_circuitbreaker_failure_rate', breaker)).toBe(0.4);
  expect(value('sluice_ratelimiter_allowed_total', { name: 'public' })).toBe(6);
  expect(value('sluice_ratelimiter_rejected_total', { name: 'public' })).toBe(2);
  expect(value('sluice_ratelimiter_available_permissions', { name: 'public' })).toBe(6);
});

test('/metrics is text of Prometheus, each metric declared once with its type', async () => {
  const { url } = await chain();
  expect((await ask(`${url}/orders/1`)).status).toBe(200);
  const answer = await ask(`${url}/metrics`);
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const text = await answer.text();
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]);
  const typeOf = new Map(types as [string, string][]);
  expect(typeOf.size).toBe(types.length);
  const samples = parseMetrics(text);
  const names = new Set(samples.map(({ name }) => name.replace(/_(?:bucket|sum|count)$/, '')));
  for (const name of names) expect([name, typeOf.has(name)]).toEqual([name, true]);
  expect(new Set(samples.map((sample) => JSON.stringify([sample.name, sample.labels]))).size).toBe(
    samples.length,
  );
  expect(Object.fromEntries(typeOf)).toMatchObject({
    http_requests_total: 'counter',
    http_request_duration_seconds: 'histogram',
    http_server_active_requests: 'gauge',
    worker_pool_wait_seconds: 'histogram',
    sluice_circuitbreaker_state: 'gauge',
    sluice_ratelimiter_allowed_total: 'counter',
    process_cpu_seconds_total: 'counter',
    nodejs_eventloop_lag_seconds: 'gauge',
  });
});

test('the buckets of a histogram are cumulative, and end with its count', async () => {
  const { url } = await chain();
  for (let i = 0; i < 20; i++) await ask(`${url}/orders/${i}`);
  const metrics = await metricsOf(url);
  const histograms = ['http_request_duration_seconds', 'worker_pool_run_seconds'];
  for (const name of histograms) {
    const wholes = seriesOf(metrics, `${name}_count`);
    expect(wholes.length).toBeGreaterThan(0);
    for (const { labels, value: count } of wholes) {
      const buckets = seriesOf(metrics, `${name}_bucket`, labels);
      const bounds = buckets.map((bucket) =>
        Number(bucket.labels['le']!.replace('+Inf', 'Infinity')),
      );
      expect(bounds).toEqual([...bounds].sort((a, b) => a - b));
      const counts = buckets.map(({ value }) => value);
      expect(counts).toEqual([...counts].sort((a, b) => a - b));
      expect([bounds.at(-1), counts.at(-1)]).toEqual([Infinity, count]);
    }
  }
});

test('two services of one process have their own metrics', async () => {
  const [one, other] = [await chain(), await chain()];
  expect((await ask(`${one.url}/orders/1`)).status).toBe(200);
  const labels = { endpoint: '/orders/:id', status: '200' };
  expect(valueOf(await metricsOf(one.url), 'http_requests_total', labels)).toBe(1);
  expect(valueOf(await metricsOf(other.url), 'http_requests_total', labels)).toBe(0);
  expect(valueOf(await metricsOf(other.url), 'process_start_time_seconds')).toBeGreaterThan(0);
});

test('a service that is stopped says so on /readyz from the first moment, and goes on serving', async () => {
  let finish: (value: string) => void = () => undefined;
  const { url, service } = await listening({
    shutdown: { delayMs: 100 },
    routes: [
      { path: '/', handler: () => 'served' },
      {
        path: '/long',
        handler: () =>
          new Promise<string>((resolve) => {
            finish = resolve;
          }),
      },
    ],
  });
  const long = ask(`${url}/long`);
  await until('the long one runs', () => service.stats().activeRequests === 1);
  const stopping = service.stop();
  const ready = await ask(`${url}/readyz`);
  expect([ready.status, ready.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await ready.json()).toEqual({ status: 'draining' });
  expect((await ask(`${url}/livez`)).status).toBe(200);
  expect((await ask(url)).status).toBe(200);
  expect(service.state).toBe('draining');
  finish('done');
  expect(await (await long).text()).toBe('done');
  expect(await stopping).toMatchObject({ endedEarly: 0, cut: 0 });
  await expect(ask(url)).rejects.toThrow('fetch failed');
});
