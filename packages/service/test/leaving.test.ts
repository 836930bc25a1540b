import { Readable } from 'node:stream';

import { expect, test } from 'vitest';

import type { HandlerRequest } from '../src/index.ts';
import { ask } from './support/ask.ts';
import { listening } from './support/listening.ts';
import { metricsOf, valueOf } from './support/metrics.ts';
import { RawConnection } from './support/raw-connection.ts';
import { until } from './support/until.ts';

const GET = 'GET / HTTP/1.1\r\nhost: test\r\n\r\n';

/** A handler that works until its signal says that nobody waits for it. */
const untilAborted = ({ signal }: HandlerRequest): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('nobody waits for this')));
  });

const worked = () =>
  listening({
    breakers: { orders: { consecutiveFailures: 1 } },
    pools: { io: { size: 1 } },
    routes: [
      { path: '/', breaker: 'orders', pool: 'io', handler: untilAborted },
      { path: '/next', pool: 'io', handler: () => 'served' },
    ],
  });

test('a client that leaves ends its work, frees the lane, and counts as 499 but not as a failure', async () => {
  const { port, url, service, log } = await worked();
  const [pool, breaker] = [service.pools.get('io')!, service.breakers.get('orders')!];
  const connection = (await RawConnection.open(port)).send(GET);
  await until('the handler works', () => pool.stats().active === 1);
  connection.leave();
  await until('the lane is free', () => pool.stats().active === 0);
  expect(breaker.stats()).toMatchObject({ state: 'closed', failed: 0, ignored: 1 });
  const metrics = await metricsOf(url);
  const labels = { method: 'GET', endpoint: '/', status: '499' };
  expect(valueOf(metrics, 'http_requests_total', labels)).toBe(1);
  expect(log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  expect(log).toContainEqual(expect.objectContaining({ msg: 'request', status: 499, route: '/' }));
});

test('a client that leaves while it waits for a lane gives its place to the next one', async () => {
  const { port, url, service } = await worked();
  const pool = service.pools.get('io')!;
  const first = (await RawConnection.open(port)).send(GET);
  await until('the first works', () => pool.stats().active === 1);
  const second = (await RawConnection.open(port)).send(GET);
  await until('the second waits', () => pool.stats().queued === 1);
  second.leave();
  await until('its place is free', () => pool.stats().queued === 0);
  expect(pool.stats()).toMatchObject({ active: 1, aborted: 1, rejected: 0 });
  first.leave();
  expect(await (await ask(`${url}/next`)).text()).toBe('served');
});

test('a client that sent three requests ahead and leaves ends the work of all three', async () => {
  const { port, service } = await listening({
    pools: { io: { size: 3 } },
    routes: [{ path: '/', pool: 'io', handler: untilAborted }],
  });
  const pool = service.pools.get('io')!;
  const connection = (await RawConnection.open(port)).send(GET.repeat(3));
  await until('all three are worked on', () => pool.stats().active === 3);
  connection.leave();
  await until('all lanes are free', () => pool.stats().active === 0);
  expect(service.stats().activeRequests).toBe(0);
});

test('a client that leaves in the middle of its body takes no lane', async () => {
  const { port, service } = await listening({
    routes: [{ method: 'POST', path: '/', handler: () => 'read' }],
  });
  const connection = await RawConnection.open(port);
  const type = 'content-type: application/json';
  connection.send(`POST / HTTP/1.1\r\nhost: test\r\n${type}\r\ncontent-length: 100\r\n\r\n{`);
  await until('the request is under way', () => service.stats().activeRequests === 1);
  connection.leave();
  await until('it is over', () => service.stats().activeRequests === 0);
  expect(service.pools.get('default')!.stats().submitted).toBe(0);
  expect(service.stats().requests).toMatchObject({ total: 1, failed: 1 });
});

test('a client that leaves in the middle of a body that streams fails the read of the handler', async () => {
  let read: unknown;
  const { port, service } = await listening({
    routes: [
      {
        method: 'POST',
        path: '/',
        body: 'stream',
        handler: async ({ body }) => {
          try {
            for await (const chunk of body as Readable) read = String(chunk);
          } catch (error) {
            read = error;
            throw error;
          }
        },
      },
    ],
  });
  const connection = await RawConnection.open(port);
  connection.send('POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 100\r\n\r\nbegin');
  await until('the handler reads', () => read === 'begin');
  connection.leave();
  await until('it is told', () => read instanceof Error);
  await until('it is over', () => service.stats().activeRequests === 0);
  expect(service.pools.get('default')!.stats().active).toBe(0);
});

test('a client that leaves in the middle of an answer that streams closes the stream', async () => {
  const endless = new Readable({ read: () => undefined });
  const { port, url, log } = await listening({
    routes: [{ path: '/', handler: () => endless }],
  });
  const connection = (await RawConnection.open(port)).send(GET);
  endless.push('begin');
  await until('the answer has begun', () => connection.rest.includes('begin'));
  connection.leave();
  await until('the stream is closed', () => endless.destroyed);
  const metrics = await metricsOf(url);
  expect(valueOf(metrics, 'http_requests_total', { endpoint: '/', status: '499' })).toBe(1);
  expect(log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
});

test('a stream that a handler returns after its client has left is closed', async () => {
  const late = [Readable.from(['late']), new Blob(['late']).stream()] as const;
  let returned = 0;
  const { port, service } = await listening({
    routes: [
      {
        path: '/',
        handler: ({ signal }) =>
          new Promise((resolve) => {
            signal.addEventListener('abort', () => resolve(late[returned++]));
          }),
      },
    ],
  });
  for (const expected of [1, 2]) {
    const connection = (await RawConnection.open(port)).send(GET);
    await until('the handler works', () => service.pools.get('default')!.stats().active === 1);
    connection.leave();
    await until('the handler has returned', () => returned === expected);
  }
  await until('the first is closed', () => late[0].destroyed);
  await expect(late[1].getReader().read()).resolves.toMatchObject({ done: true });
});

test('a client that only ends its side of the connection gets the answer to what it has sent', async () => {
  const { port } = await listening({ routes: [{ path: '/', handler: () => 'served' }] });
  const connection = (await RawConnection.open(port)).send(GET);
  connection.endWriting();
  expect(await connection.answer()).toMatchObject({ status: 200, body: 'served' });
  await connection.closed;
});
