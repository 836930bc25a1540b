import { expect, test } from 'vitest';

import { ask } from './support/ask.ts';
import { listening } from './support/listening.ts';
import { until } from './support/until.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const TRACEPARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`;

const told = () =>
  listening({
    routes: [
      {
        path: '/orders/:id',
        handler: ({ id, traceparent, log, params }) => {
          log.warn({ order: params['id'] }, 'looked at');
          if (params['id'] === 'bad') throw new Error('no such luck');
          return { id, traceparent };
        },
      },
    ],
  });

test.each(['abc', 'A-1_b:c.d', 'x'.repeat(128)])(
  'a request id that is fit for a log is kept: %s',
  async (id) => {
    const { url } = await told();
    const answer = await ask(`${url}/orders/1`, { headers: { 'x-request-id': id } });
    expect(await answer.json()).toEqual({ id });
  },
);

test.each(['', 'a b', 'x'.repeat(129), '{"a":1}', 'ä', 'a,b'])(
  'a request id that is not fit for a log is replaced: %s',
  async (id) => {
    const { url } = await told();
    const answer = await ask(`${url}/orders/1`, { headers: { 'x-request-id': id } });
    const got = ((await answer.json()) as { id: string }).id;
    expect(got).not.toBe(id);
    expect(got).toMatch(/^[\w-]{3,40}$/);
  },
);

test('requests without an id get one each', async () => {
  const { url } = await told();
  const ids = new Set<unknown>();
  for (let i = 0; i < 20; i++) ids.add(JSON.stringify(await (await ask(`${url}/orders/1`)).json()));
  expect(ids.size).toBe(20);
});

test('a trace goes into the handler and into every log line of its request', async () => {
  const { url, log } = await told();
  const headers = { traceparent: TRACEPARENT, 'x-request-id': 'mine' };
  const answer = await ask(`${url}/orders/bad?token=secret`, { headers });
  expect((await answer.json()) as object).toMatchObject({ status: 500, requestId: 'mine' });
  await until('the request is logged', () => log.length === 3);
  const fields = { requestId: 'mine', traceId: TRACE_ID };
  expect(log).toMatchObject([
    { ...fields, level: 40, order: 'bad', msg: 'looked at' },
    { ...fields, level: 50, err: { message: 'no such luck' }, msg: 'the handler failed' },
    {
      ...fields,
      level: 30,
      method: 'GET',
      path: '/orders/bad',
      route: '/orders/:id',
      status: 500,
      durationMs: expect.any(Number) as number,
      msg: 'request',
    },
  ]);
  expect(JSON.stringify(log)).not.toContain('token');
});

test('a handler gets the traceparent as it came, and none that is not valid', async () => {
  const { url } = await told();
  for (const [header, expected] of [
    [TRACEPARENT, TRACEPARENT],
    [TRACEPARENT.toUpperCase(), undefined],
    ['nonsense', undefined],
  ]) {
    const answer = await ask(`${url}/orders/1`, { headers: { traceparent: header! } });
    expect(((await answer.json()) as Record<string, unknown>)['traceparent']).toBe(expected);
  }
});

test('requests that no route takes are logged too, probes and scrapes are not', async () => {
  const { url, log } = await told();
  await ask(`${url}/nowhere`);
  await ask(`${url}/orders/1`, { method: 'DELETE' });
  await ask(`${url}/%zz`);
  for (const path of ['/livez', '/readyz', '/stats', '/metrics']) await ask(`${url}${path}`);
  await until('three are logged', () => log.length >= 3);
  expect(log).toMatchObject([
    { msg: 'request', method: 'GET', path: '/nowhere', route: 'unmatched', status: 404 },
    { msg: 'request', method: 'DELETE', path: '/orders/1', route: 'unmatched', status: 405 },
    { msg: 'request', method: 'GET', path: '/%zz', route: 'unmatched', status: 400 },
  ]);
});

test('log.requests: false leaves the lines of requests out', async () => {
  const { url, log, service } = await listening({
    log: { requests: false },
    routes: [{ path: '/', handler: () => 'served' }],
  });
  await ask(url);
  await until('it is over', () => service.stats().requests.total === 1);
  expect(log).toEqual([]);
});
