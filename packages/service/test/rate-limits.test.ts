import { ManualClock } from '@sluice/core/testing';
import { expect, test } from 'vitest';

import { HttpError, type Handler } from '../src/index.ts';
import { ask } from './support/ask.ts';
import { listening } from './support/listening.ts';
import { metricsOf, seriesOf, valueOf } from './support/metrics.ts';
import { answerTo, RawConnection } from './support/raw-connection.ts';

const QUOTA_EXCEEDED = 'https://iana.org/assignments/http-problem-types#quota-exceeded';

const limitsOf = ({ headers }: Response): readonly (string | null)[] =>
  ['ratelimit-policy', 'ratelimit'].map((name) => headers.get(name));

test('every answer of a limited route tells the policy and what is left of it', async () => {
  const handlers: Readonly<Record<string, Handler>> = {
    value: () => ({ ok: true }),
    nothing: () => undefined,
    mistake: () => {
      throw new HttpError(404, 'There is none.');
    },
    failure: () => {
      throw new Error('down');
    },
    stream: () => new Blob(['a', 'b']).stream(),
  };
  const { url } = await listening(
    {
      limiters: { public: { ratePerSecond: 0.5, capacity: 10 } },
      routes: Object.entries(handlers).map(([name, handler]) => {
        return { path: `/${name}`, limiter: 'public', handler };
      }),
    },
    { clock: new ManualClock() },
  );
  let left = 10;
  for (const [name, status] of [
    ['value', 200],
    ['nothing', 204],
    ['mistake', 404],
    ['failure', 500],
    ['stream', 200],
  ] as const) {
    const answer = await ask(`${url}/${name}`);
    expect([answer.status, ...limitsOf(answer)]).toEqual([
      status,
      '"public";q=10;w=20',
      `"public";r=${--left};t=2`,
    ]);
    await answer.text();
  }
  const head = await ask(`${url}/value`, { method: 'HEAD' });
  expect([head.status, head.headers.get('ratelimit')]).toEqual([200, '"public";r=4;t=2']);
});

test('a refusal names the limits that refused, and whoever waits for its seconds is let in', async () => {
  const clock = new ManualClock();
  const { url, service } = await listening(
    {
      limiters: { public: { algorithm: 'sliding-log', limit: 2, windowMs: 4500 } },
      routes: [{ path: '/', limiter: 'public', handler: () => 'in' }],
    },
    { clock },
  );
  for (let i = 0; i < 2; i++) expect((await ask(url)).status).toBe(200);
  clock.advance(1200);
  const refused = await ask(url);
  expect(refused.status).toBe(429);
  expect(refused.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(limitsOf(refused)).toEqual(['"public";q=2;w=5', '"public";r=0;t=4']);
  expect(refused.headers.get('retry-after')).toBe('4');
  const { requestId, ...problem } = (await refused.json()) as Record<string, unknown>;
  expect(requestId).toMatch(/./);
  expect(problem).toEqual({
    type: QUOTA_EXCEEDED,
    title: 'Quota Exceeded',
    status: 429,
    detail: 'The rate limit of this route is reached.',
    code: 'SLUICE_RATE_LIMITED',
    'violated-policies': ['public'],
  });
  clock.advance(4000);
  expect((await ask(url)).status).toBe(200);
  expect(service.limiters.get('public')!.stats()).toMatchObject({ allowed: 3, rejected: 1 });
});

test('what breaker and pool refuse tells the limits too, and not to come back before them', async () => {
  const { url, service } = await listening(
    {
      limiters: { public: { ratePerSecond: 0.05, capacity: 3 } },
      breakers: { shut: { consecutiveFailures: 1, openMs: 1000 } },
      routes: ['GET', 'POST'].map((method) => ({
        method: method as 'GET' | 'POST',
        path: '/',
        limiter: 'public',
        breaker: 'shut',
        handler: () => {
          throw new Error('down');
        },
      })),
    },
    { clock: new ManualClock() },
  );
  expect((await ask(url)).status).toBe(500);
  const early = await ask(url, { method: 'POST', body: '{}' });
  expect([early.status, early.headers.get('retry-after'), ...limitsOf(early)]).toEqual([
    503,
    '1',
    '"public";q=3;w=60',
    '"public";r=1;t=20',
  ]);
  const last = await ask(url);
  expect([last.status, last.headers.get('retry-after'), last.headers.get('ratelimit')]).toEqual([
    503,
    '20',
    '"public";r=0;t=20',
  ]);
  expect(service.breakers.get('shut')!.stats()).toMatchObject({ failed: 1, notPermitted: 2 });
});

test('a body is refused before it is read, and one that is too large or malformed tells the limits', async () => {
  const { port } = await listening(
    {
      limiters: { public: { ratePerSecond: 0.001, capacity: 3 } },
      routes: [
        { method: 'POST', path: '/', limiter: 'public', maxBodyBytes: 10, handler: () => 'in' },
      ],
    },
    { clock: new ManualClock() },
  );
  const post = (length: number, body = ''): string =>
    `POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`;
  const statuses = [];
  for (const bytes of [post(11), post(4, '{"a"'), post(2, '{}'), post(2)]) {
    const { status, headers } = await answerTo(port, bytes);
    statuses.push([status, headers['ratelimit']?.split(';')[1]]);
  }
  expect(statuses).toEqual([
    [413, 'r=2'],
    [400, 'r=1'],
    [200, 'r=0'],
    [429, 'r=0'],
  ]);
});

test('a request whose body never comes is told the limits with its 408', async () => {
  const { port } = await listening({
    server: { requestTimeoutMs: 100, headersTimeoutMs: 100 },
    limiters: { public: { ratePerSecond: 1, capacity: 3 } },
    routes: [{ method: 'POST', path: '/', limiter: 'public', handler: () => 'in' }],
  });
  const connection = await RawConnection.open(port);
  connection.send(
    'POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n{',
  );
  const { status, headers } = await connection.answer();
  expect([status, headers['ratelimit-policy']]).toEqual([408, '"public";q=3;w=3']);
});

test('routes without a limiter say nothing of limits', async () => {
  const { url } = await listening({ routes: [{ path: '/', handler: () => 'in' }] });
  for (const path of ['', '/nowhere', '/stats']) {
    expect(limitsOf(await ask(`${url}${path}`))).toEqual([null, null]);
  }
});

test('several windows are passed together: what the hour refuses takes nothing from the second', async () => {
  const clock = new ManualClock();
  const { url, service } = await listening(
    {
      limiters: {
        second: { ratePerSecond: 2 },
        hour: { algorithm: 'sliding-log', limit: 3, windowMs: 3_600_000, legacyHeaders: true },
      },
      routes: [{ path: '/', limiter: ['second', 'hour'], handler: () => 'in' }],
    },
    { clock },
  );
  const violated = [];
  for (const advanceMs of [0, 0, 0, 1000, 0]) {
    clock.advance(advanceMs);
    const answer = await ask(url);
    const body = answer.status === 200 ? {} : ((await answer.json()) as object);
    violated.push((body as Record<string, unknown>)['violated-policies']);
  }
  expect(violated).toEqual([undefined, undefined, ['second'], undefined, ['hour']]);
  const answer = await ask(url);
  expect(limitsOf(answer)).toEqual([
    '"second";q=2;w=1, "hour";q=3;w=3600',
    '"second";r=1;t=1, "hour";r=0;t=3599',
  ]);
  expect(answer.headers.get('retry-after')).toBe('3599');
  const legacy = ['limit', 'remaining', 'reset'].map((name) =>
    answer.headers.get(`x-ratelimit-${name}`),
  );
  expect(legacy).toEqual(['3', '0', '3600']);
  expect(service.limiters.get('second')!.stats()).toMatchObject({ allowed: 3, rejected: 1 });
  expect(service.limiters.get('hour')!.stats()).toMatchObject({ allowed: 3, rejected: 2 });
});

const perAddress = (trustedProxies: readonly string[]) =>
  listening({
    server: { trustedProxies },
    limiters: { public: { ratePerSecond: 0.001, capacity: 1, key: 'ip' } },
    routes: [{ path: '/', limiter: 'public', handler: () => 'in' }],
  });

test('behind a trusted proxy each client has its own limit, whatever it writes before', async () => {
  const { url, service } = await perAddress(['loopback']);
  const from = async (forwarded: string): Promise<number> =>
    (await ask(url, { headers: { 'x-forwarded-for': forwarded } })).status;
  expect(await from('192.0.2.1')).toBe(200);
  expect(await from('192.0.2.1')).toBe(429);
  expect(await from('10.9.9.9, 192.0.2.1')).toBe(429);
  expect(await from('192.0.2.2')).toBe(200);
  expect(service.limiters.get('public')!.stats()).toMatchObject({ keys: 2, rejected: 2 });
});

test('without a trusted proxy a header changes nothing', async () => {
  const { url } = await perAddress([]);
  const statuses = [];
  for (const forwarded of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) {
    statuses.push((await ask(url, { headers: { 'x-forwarded-for': forwarded } })).status);
  }
  expect(statuses).toEqual([200, 429, 429]);
});

test('an API key is in no log, no metric, no count and no problem', async () => {
  const secret = 'sk-live-5up3r53cr3t';
  const { url, log } = await listening({
    limiters: {
      public: { ratePerSecond: 0.001, capacity: 1, key: { apiKey: { scheme: 'Bearer' } } },
    },
    routes: [{ path: '/', limiter: 'public', handler: () => 'in' }],
  });
  const asked = (key: string): Promise<Response> =>
    ask(url, { headers: { authorization: `Bearer ${key}` } });
  expect((await asked(secret)).status).toBe(200);
  expect((await asked('another')).status).toBe(200);
  const refused = await asked(secret);
  expect(refused.status).toBe(429);
  const told = [
    JSON.stringify(log),
    JSON.stringify([...refused.headers]),
    await refused.text(),
    await (await ask(`${url}/stats`)).text(),
    await (await ask(`${url}/metrics`)).text(),
  ];
  expect(log.length).toBeGreaterThan(2);
  for (const text of told) expect(text).not.toMatch(/5up3r|api-key:/);
});

test('a limiter with a key has its own metrics, and none that needs one level', async () => {
  const { url } = await listening({
    limiters: {
      tenants: { ratePerSecond: 0.001, capacity: 1, key: { header: 'X-Tenant' }, maxKeys: 2 },
      all: { ratePerSecond: 1 },
    },
    routes: [{ path: '/', limiter: 'tenants', handler: () => 'in' }],
  });
  for (const tenant of ['a', 'a', 'b', 'c']) {
    await ask(url, { headers: { 'x-tenant': tenant } });
  }
  const metrics = await metricsOf(url);
  const value = (name: string): number =>
    valueOf(metrics, `sluice_ratelimiter_${name}`, { name: 'tenants' });
  expect(value('keys')).toBe(2);
  expect(value('allowed_total')).toBe(3);
  expect(value('rejected_total')).toBe(1);
  expect(value('overflowed_total')).toBe(1);
  expect(value('evicted_total')).toBe(0);
  expect(value('waiting')).toBe(0);
  const permissions = seriesOf(metrics, 'sluice_ratelimiter_available_permissions');
  expect(permissions.map(({ labels }) => labels)).toEqual([{ name: 'all' }]);
  const ours = metrics.filter(({ name }) => name.startsWith('sluice_ratelimiter'));
  expect(new Set(ours.flatMap(({ labels }) => Object.keys(labels)))).toEqual(new Set(['name']));
});

test('a key that has a plan has its limit, and its policy says so', async () => {
  const { url } = await listening(
    {
      limiters: {
        tenants: {
          ratePerSecond: 1,
          key: { header: 'X-Tenant' },
          plans: { pro: { ratePerSecond: 1, capacity: 20 } },
          keys: { 'x-tenant=acme': 'pro' },
        },
      },
      routes: [{ path: '/', limiter: 'tenants', handler: () => 'in' }],
    },
    { clock: new ManualClock() },
  );
  const policies = [];
  for (const tenant of ['acme', 'other']) {
    policies.push(limitsOf(await ask(url, { headers: { 'x-tenant': tenant } })));
  }
  expect(policies).toEqual([
    ['"tenants";q=20;w=20', '"tenants";r=19;t=1'],
    ['"tenants";q=1;w=1', '"tenants";r=0;t=1'],
  ]);
});

test('routes that name the same limiter share it, with a key as without', async () => {
  const { url } = await listening({
    limiters: {
      shared: { ratePerSecond: 0.001, capacity: 1, key: 'ip' },
      each: { ratePerSecond: 0.001, capacity: 1, key: 'route' },
    },
    routes: [
      { path: '/a', limiter: 'shared', handler: () => 'in' },
      { path: '/b', limiter: 'shared', handler: () => 'in' },
      { path: '/c/:id', limiter: 'each', handler: () => 'in' },
      { path: '/d', limiter: 'each', handler: () => 'in' },
    ],
  });
  const statuses = [];
  for (const path of ['/a', '/b', '/c/1', '/c/2', '/d']) {
    statuses.push((await ask(`${url}${path}`)).status);
  }
  expect(statuses).toEqual([200, 429, 200, 429, 200]);
});

test('a stop of the service refuses whoever still waits for a permit', async () => {
  const { service } = await listening({
    limiters: { slow: { algorithm: 'leaky-bucket', ratePerSecond: 0.001 } },
  });
  const slow = service.limiters.get('slow') as { wait(): Promise<void> };
  await slow.wait();
  const waiting = slow.wait();
  await service.stop();
  await expect(waiting).rejects.toMatchObject({ code: 'SLUICE_STOPPED' });
});
