import { QueueFullError, ShedError, TimeoutError, WorkerCrashedError } from '@sluice/core';
import { ManualClock } from '@sluice/core/testing';
import { expect, test } from 'vitest';

import { HttpError, type Handler } from '../src/index.ts';
import { ask } from './support/ask.ts';
import { listening } from './support/listening.ts';
import { until } from './support/until.ts';

const problemOf = async (response: Response) => ({
  status: response.status,
  type: response.headers.get('content-type'),
  retryAfter: response.headers.get('retry-after'),
  body: (await response.json()) as Record<string, unknown>,
});

const never: Handler = () => new Promise(() => undefined);

test('a breaker opens by what the handler did, when the work is done, and not by what queueing did', async () => {
  const clock = new ManualClock();
  let calls = 0;
  const { service, url } = await listening(
    {
      breakers: { orders: { consecutiveFailures: 5 } },
      pools: { io: { size: 10 } },
      routes: [
        {
          path: '/',
          breaker: 'orders',
          pool: 'io',
          handler: () => {
            calls++;
            return new Promise((_, reject) => {
              clock.schedule(100, () => reject(new Error('the inventory is gone')));
            });
          },
        },
      ],
    },
    { clock },
  );
  const breaker = service.breakers.get('orders')!;
  const pool = service.pools.get('io')!;
  const answers = Array.from({ length: 5 }, () => ask(url));
  await until('all five are worked on', () => pool.stats().active === 5);
  await clock.run(99);
  expect(breaker.stats()).toMatchObject({ state: 'closed', failed: 0, succeeded: 0 });
  await clock.run(1);
  expect(breaker.state).toBe('open');
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([
    500, 500, 500, 500, 500,
  ]);
  const refused = await problemOf(await ask(url));
  expect(refused).toMatchObject({
    status: 503,
    type: 'application/problem+json; charset=utf-8',
    retryAfter: '1',
    body: { status: 503, code: 'SLUICE_CIRCUIT_OPEN', title: 'Service Unavailable' },
  });
  expect(calls).toBe(5);
  expect(pool.stats().submitted).toBe(5);
});

test('a client that waits for the Retry-After of an open breaker is let in', async () => {
  const clock = new ManualClock();
  let fails = true;
  const { url } = await listening(
    {
      breakers: { orders: { consecutiveFailures: 1, openMs: 3100 } },
      routes: [
        {
          path: '/',
          breaker: 'orders',
          handler: () => {
            if (fails) throw new Error('down');
            return 'up';
          },
        },
      ],
    },
    { clock },
  );
  expect((await ask(url)).status).toBe(500);
  fails = false;
  const { status, retryAfter } = await problemOf(await ask(url));
  expect(status).toBe(503);
  clock.advance(Number(retryAfter) * 1000);
  expect((await ask(url)).status).toBe(200);
});

test('a client that waits for the Retry-After of a rate limit is let in, at every rate', async () => {
  const rates = [0.07, 0.3, 1, 10 / 3, 7, 1000 / 3];
  const clock = new ManualClock(1234.567);
  const { url } = await listening(
    {
      limiters: Object.fromEntries(
        rates.map((ratePerSecond, i) => [`l${i}`, { ratePerSecond, capacity: 3 }]),
      ),
      routes: rates.map((_, i) => ({ path: `/${i}`, limiter: `l${i}`, handler: () => 'in' })),
    },
    { clock },
  );
  for (const [i, rate] of rates.entries()) {
    for (let burst = 0; burst < 3; burst++) expect((await ask(`${url}/${i}`)).status).toBe(200);
    for (let round = 0; round < 5; round++) {
      let answer = await ask(`${url}/${i}`);
      while (answer.status === 200) answer = await ask(`${url}/${i}`);
      const { status, retryAfter, body } = await problemOf(answer);
      expect([rate, status, body['code']]).toEqual([rate, 429, 'SLUICE_RATE_LIMITED']);
      expect(retryAfter).toMatch(/^[1-9]\d*$/);
      clock.advance(Number(retryAfter) * 1000);
      expect((await ask(`${url}/${i}`)).status).toBe(200);
    }
  }
});

test.each(['GET', 'POST'] as const)(
  'a %s that the limiter refuses reaches neither breaker nor pool, nor the handler',
  async (method) => {
    let calls = 0;
    const { service, url } = await listening({
      limiters: { public: { ratePerSecond: 0.001, capacity: 1 } },
      breakers: { orders: {} },
      pools: { io: {} },
      routes: [
        {
          method,
          path: '/',
          limiter: 'public',
          breaker: 'orders',
          pool: 'io',
          handler: () => ++calls,
        },
      ],
    });
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await ask(url, { method })).status);
    expect(statuses).toEqual([200, 429, 429, 429]);
    expect(calls).toBe(1);
    expect(service.breakers.get('orders')!.stats()).toMatchObject({
      succeeded: 1,
      notPermitted: 0,
    });
    expect(service.pools.get('io')!.stats()).toMatchObject({ submitted: 1, rejected: 0 });
    expect(service.limiters.get('public')!.stats()).toMatchObject({ allowed: 1, rejected: 3 });
  },
);

test('a mistake of the client that the handler tells of does not count against the breaker', async () => {
  const { service, url } = await listening({
    breakers: { orders: { consecutiveFailures: 1 } },
    routes: [
      {
        path: '/http/:status',
        breaker: 'orders',
        handler: ({ params }) => {
          throw new HttpError(Number(params['status']), 'Not like this.');
        },
      },
      {
        path: '/foreign',
        breaker: 'orders',
        handler: () => {
          throw Object.assign(new Error('wrong'), { statusCode: 422 });
        },
      },
    ],
  });
  for (const status of [400, 404, 409, 429, 499]) {
    expect((await ask(`${url}/http/${status}`)).status).toBe(status);
  }
  expect((await ask(`${url}/foreign`)).status).toBe(422);
  const breaker = service.breakers.get('orders')!;
  expect(breaker.stats()).toMatchObject({ state: 'closed', succeeded: 6, failed: 0, ignored: 0 });
  expect((await ask(`${url}/http/500`)).status).toBe(500);
  expect(breaker.state).toBe('open');
});

test('a full pool answers 503, and the breaker in front of it does not count that', async () => {
  const { service, url } = await listening({
    breakers: { orders: { consecutiveFailures: 1 } },
    pools: { io: { size: 1, queue: 1 } },
    routes: [{ path: '/', breaker: 'orders', pool: 'io', handler: never }],
    shutdown: { timeoutMs: 1 },
  });
  const pool = service.pools.get('io')!;
  const leaving = new AbortController();
  const accepted = [1, 2].map(() => ask(url, { signal: leaving.signal }).catch(() => 'left'));
  await until('one runs and one waits', () => pool.stats().queued === 1);
  const refused = await problemOf(await ask(url));
  expect(refused).toMatchObject({ status: 503, body: { code: 'SLUICE_QUEUE_FULL' } });
  expect(refused.retryAfter).toMatch(/^[1-9]\d*$/);
  expect(service.breakers.get('orders')!.stats()).toMatchObject({ state: 'closed', failed: 0 });
  leaving.abort();
  expect(await Promise.all(accepted)).toEqual(['left', 'left']);
});

test('a request whose time is over is answered 504, whether it ran or waited; only what ran is a failure', async () => {
  const clock = new ManualClock();
  const { service, url } = await listening(
    {
      breakers: { orders: {} },
      pools: { io: { size: 1 } },
      routes: [{ path: '/', breaker: 'orders', pool: 'io', timeoutMs: 250, handler: never }],
    },
    { clock },
  );
  const pool = service.pools.get('io')!;
  const ran = ask(url);
  await until('the first runs', () => pool.stats().active === 1);
  const waited = ask(url);
  await until('the second waits', () => pool.stats().queued === 1);
  await clock.run(250);
  expect((await problemOf(await ran)).body).toMatchObject({ status: 504, code: 'SLUICE_TIMEOUT' });
  expect((await problemOf(await waited)).body).toMatchObject({
    status: 504,
    code: 'SLUICE_DEADLINE_EXCEEDED',
  });
  expect(service.breakers.get('orders')!.stats()).toMatchObject({ failed: 1, ignored: 1 });
});

test('a lane whose handler never ends is given to the next request after its grace', async () => {
  const clock = new ManualClock();
  let hang = true;
  const { service, url } = await listening(
    {
      pools: { io: { size: 1 } },
      routes: [
        { path: '/', pool: 'io', timeoutMs: 100, handler: (r) => (hang ? never(r) : 'served') },
      ],
    },
    { clock },
  );
  const pool = service.pools.get('io')!;
  const hung = ask(url);
  await until('it hangs', () => pool.stats().active === 1);
  await clock.run(100);
  expect((await hung).status).toBe(504);
  expect(pool.stats()).toMatchObject({ active: 1, abandoned: 0 });
  await clock.run(5000);
  expect(pool.stats()).toMatchObject({ active: 0, abandoned: 1 });
  hang = false;
  expect(await (await ask(url)).text()).toBe('served');
});

test('errors of sluice that a handler passes on keep their meaning', async () => {
  const errors: Record<string, Error> = {
    full: new QueueFullError('inner pool at 10.0.0.7', 'all lanes of 10.0.0.7 are busy', 2500),
    shed: new ShedError('inner', 'overloaded'),
    timeout: new TimeoutError('inner', 'the deadline passed', { timeoutMs: 50 }),
    crashed: new WorkerCrashedError('inner', 'the worker died at /srv/app/worker.js:12'),
  };
  const { url } = await listening({
    routes: [
      {
        path: '/:error',
        handler: ({ params }) => {
          throw errors[params['error'] ?? '']!;
        },
      },
    ],
  });
  const answers: Record<string, unknown> = {};
  for (const name of Object.keys(errors)) {
    const text = await (await ask(`${url}/${name}`)).clone().text();
    expect(text).not.toMatch(/10\.0\.0\.7|\/srv|inner/);
    const { status, retryAfter, body } = await problemOf(await ask(`${url}/${name}`));
    answers[name] = [status, retryAfter, body['code']];
  }
  expect(answers).toEqual({
    full: [503, '3', 'SLUICE_QUEUE_FULL'],
    shed: [503, '1', 'SLUICE_SHED'],
    timeout: [504, null, 'SLUICE_TIMEOUT'],
    crashed: [500, null, 'SLUICE_WORKER_CRASHED'],
  });
});

test('a limiter, a breaker and a pool may have the same name', async () => {
  const { url, service } = await listening({
    limiters: { orders: { ratePerSecond: 1 } },
    breakers: { orders: {} },
    pools: { orders: {} },
    routes: [
      { path: '/', limiter: 'orders', breaker: 'orders', pool: 'orders', handler: () => 'in' },
    ],
  });
  expect((await ask(url)).status).toBe(200);
  expect((await ask(url)).status).toBe(429);
  expect(service.pools.get('orders')!.stats().completed).toBe(1);
});

test('the routes that name no pool share one of 100 lanes, or the one called default', async () => {
  const plain = await listening({ routes: [{ path: '/', handler: () => 'in' }] });
  expect((await ask(plain.url)).status).toBe(200);
  expect(plain.service.pools.get('default')!.stats()).toMatchObject({
    size: 100,
    queueCapacity: 1000,
    completed: 1,
  });
  const own = await listening({
    pools: { default: { size: 2, queue: 3 } },
    routes: [{ path: '/', handler: () => 'in' }],
  });
  expect((await ask(own.url)).status).toBe(200);
  expect(own.service.pools.get('default')!.stats()).toMatchObject({ size: 2, completed: 1 });
});
