import type { ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';

import { CircuitBreaker, Hedge, pipeline, RetryBudget, Timeout, TimeoutError } from '@sluice/core';
import { ManualClock } from '@sluice/core/testing';
import { expect, test } from 'vitest';

import { guardedFetch } from '../src/index.ts';
import { deadUrl, retry, strayErrors, upstream } from './support/upstream.ts';
import { until } from './support/until.ts';

test.each(['POST', 'PATCH', 'post'])('%s is sent once', async (method) => {
  const server = await upstream((_, response) => response.writeHead(500).end('why'));
  const guard = new CircuitBreaker();
  const repeat = retry({ when: () => true });
  const post = guardedFetch([repeat, guard]);
  const response = await post(server.url, { method, body: 'x' });
  expect([response.status, await response.text()]).toEqual([500, 'why']);
  expect(server.requests).toHaveLength(1);
  expect(guard.stats()).toMatchObject({ windowCalls: 1, windowFailures: 1 });
  expect(repeat.stats()).toMatchObject({ aborted: 1, retries: 0 });
});

test('POST is not sent again when the connection ends after it was sent', async () => {
  const server = await upstream((request) => request.socket.destroy());
  const post = guardedFetch([retry()]);
  await expect(post(server.url, { method: 'POST', body: 'x' })).rejects.toThrow('fetch failed');
  expect(server.requests).toHaveLength(1);
});

test('POST is not sent again when its try is over its time', async () => {
  const server = await upstream(() => undefined);
  const clock = new ManualClock();
  const repeat = retry({ attemptTimeoutMs: 30, clock });
  const call = guardedFetch([repeat])(server.url, { method: 'POST', body: 'x' });
  await until('it has arrived', () => server.requests.length === 1);
  clock.advance(30);
  await expect(call).rejects.toThrow(TimeoutError);
  expect(repeat.stats()).toMatchObject({ timedOut: 1, aborted: 1, retries: 0 });
});

test('POST is tried again when it was never sent', async () => {
  const url = await deadUrl();
  const repeat = retry();
  const post = guardedFetch([repeat]);
  await expect(post(url, { method: 'POST', body: 'x' })).rejects.toThrow('fetch failed');
  expect(repeat.stats()).toMatchObject({ exhausted: 1, retries: 2 });

  const guard = new CircuitBreaker({ openMs: 20, openJitter: 0, requiredSuccesses: 1 });
  const server = await upstream((_, response) => response.end('taken'));
  const behind = guardedFetch([retry(), guard]);
  guard.restore({ ...guard.toJSON(), state: 'open', openForMs: 20 });
  const response = await behind(server.url, { method: 'POST', body: 'x' });
  expect(await response.text()).toBe('taken');
});

test('POST is sent again with retryUnsafe, and with an Idempotency-Key', async () => {
  const server = await upstream((_, response, count) => {
    response.writeHead(count % 2 === 1 ? 500 : 200).end();
  });
  const post = { method: 'POST', body: 'x' };
  expect((await guardedFetch([retry()], { retryUnsafe: true })(server.url, post)).status).toBe(200);
  const headers = { 'Idempotency-Key': 'a1' };
  expect((await guardedFetch([retry()])(server.url, { ...post, headers })).status).toBe(200);
  expect(server.bodies).toEqual(['x', 'x', 'x', 'x']);
});

test('a body that is a stream is not sent twice, whatever the method', async () => {
  const strays = strayErrors();
  const server = await upstream((_, response) => response.writeHead(500).end());
  const put = guardedFetch([retry()], { retryUnsafe: true });
  const blob = (): Blob => new Blob(['once']);
  const streams: readonly RequestInit[] = [
    { method: 'PUT', body: blob().stream(), duplex: 'half' },
    { method: 'POST', body: blob().stream(), duplex: 'half' },
  ];
  for (const init of streams) expect((await put(server.url, init)).status).toBe(500);
  const request = new Request(server.url, { method: 'PUT', body: 'once' });
  expect((await put(request)).status).toBe(500);
  expect(server.bodies).toEqual(['once', 'once', 'once']);
  expect((await put(server.url, { method: 'PUT', body: blob() })).status).toBe(500);
  expect(server.requests).toHaveLength(6);

  const url = await deadUrl();
  const repeat = retry();
  const spent = { method: 'PUT', body: blob().stream(), duplex: 'half' } as const;
  await expect(guardedFetch([repeat])(url, spent)).rejects.toThrow('fetch failed');
  expect(repeat.stats().retries).toBe(0);
  await turn();
  expect(strays).toEqual([]);
});

test('a request that is not safe to repeat is never hedged', async () => {
  const held: ServerResponse[] = [];
  const server = await upstream((_, response) => void held.push(response));
  const clock = new ManualClock();
  const hedge = new Hedge({ delayMs: 5, clock });
  const call = guardedFetch([hedge])(server.url, { method: 'POST' });
  await until('it has arrived', () => held.length === 1);
  clock.advance(1000);
  held[0]?.end('first');
  expect(await (await call).text()).toBe('first');
  expect(server.requests).toHaveLength(1);
  expect(hedge.stats().calls).toBe(0);
});

test('pipelines within pipelines are taken apart, and share their policies', async () => {
  const server = await upstream((_, response) => response.writeHead(500).end());
  const repeat = retry({ budget: new RetryBudget() });
  const inner = pipeline('inner', [repeat, new CircuitBreaker()]);
  const send = guardedFetch(pipeline('outer', [new Timeout({ timeoutMs: 10_000 }), inner]));
  await send(server.url, { method: 'POST' });
  expect(server.requests).toHaveLength(1);
  await send(server.url);
  expect(server.requests).toHaveLength(4);
  expect(repeat.stats().calls).toBe(2);
});
