import { PassThrough } from 'node:stream';

import { CircuitOpenError, PolicyRegistry, TimeoutError } from '@sluice/core';
import { ManualClock, SeededRandom } from '@sluice/core/testing';
import { Agent, Client, fetch as undiciFetch, interceptors, MockAgent, request } from 'undici';
import type { Dispatcher } from 'undici';
import { expect, onTestFinished, test } from 'vitest';

import { breaker, type BreakerInterceptor, type BreakerInterceptorOptions } from '../src/index.ts';
import { strayErrors, upstream } from './support/upstream.ts';
import { until } from './support/until.ts';

/** Opens at the third failure, for a second. */
function setUp(
  options: BreakerInterceptorOptions = {},
  ...outer: Dispatcher.DispatcherComposeInterceptor[]
): { agent: Dispatcher; outbound: BreakerInterceptor; clock: ManualClock } {
  const clock = new ManualClock();
  const outbound = breaker({
    consecutiveFailures: 3,
    openMs: 1000,
    openJitter: 0,
    permittedCallsInHalfOpen: 1,
    clock,
    random: new SeededRandom(1),
    ...options,
  });
  const own = new Agent();
  onTestFinished(() => own.destroy());
  return { agent: own.compose([outbound, ...outer]), outbound, clock };
}

async function statusOf(dispatcher: Dispatcher, url: string): Promise<number | string> {
  try {
    const { statusCode, body } = await request(url, { dispatcher });
    await body.text();
    return statusCode;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

/** Of the window: calls that settled, and those of them that failed. */
function counted(outbound: BreakerInterceptor, url: string): readonly [number, number] {
  const stats = outbound.stats()[url];
  return [stats?.windowCalls ?? 0, stats?.windowFailures ?? 0];
}

test('an origin that fails is refused without a socket, and probed when the open time is over', async () => {
  const { agent, outbound, clock } = setUp();
  const server = await upstream((_, response, count) => {
    response.writeHead(count <= 3 ? 500 : 200).end('body');
  });
  const answers: unknown[] = [];
  for (let i = 0; i < 5; i++) answers.push(await statusOf(agent, server.url));
  expect(answers).toEqual([500, 500, 500, 'SLUICE_CIRCUIT_OPEN', 'SLUICE_CIRCUIT_OPEN']);
  expect(server.requests).toHaveLength(3);
  expect(outbound.get(server.url)?.state).toBe('open');

  const error: unknown = await request(server.url, { dispatcher: agent }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CircuitOpenError);
  expect(error).toMatchObject({ policy: `breaker ${server.url}`, retryAfterMs: 1000 });

  clock.advance(1000);
  expect(await statusOf(agent, server.url)).toBe(200);
  expect(outbound.get(`${server.url}/any/path`)?.state).toBe('closed');
});

test('each origin has a breaker of its own', async () => {
  const { agent, outbound } = setUp();
  const bad = await upstream((_, response) => response.writeHead(503).end());
  const good = await upstream((_, response) => response.end('fine'));
  for (let i = 0; i < 4; i++) await statusOf(agent, bad.url);
  expect(await statusOf(agent, good.url)).toBe(200);
  expect(outbound.get(bad.url)?.state).toBe('open');
  expect(outbound.get(new URL(good.url))?.state).toBe('closed');
  expect(Object.keys(outbound.stats())).toEqual([bad.url, good.url]);
});

test('a server that takes no connections, ends them, or breaks off its bodies has failed', async () => {
  const kinds = {
    refused: await upstream(() => undefined),
    ended: await upstream((incoming) => incoming.socket.destroy()),
    broken: await upstream((_, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('half', () => response.socket?.destroy());
    }),
  };
  await kinds.refused.close();
  for (const { url } of Object.values(kinds)) {
    const { agent, outbound } = setUp();
    expect(await statusOf(agent, url)).not.toBe(200);
    await until('it is counted', () => counted(outbound, url)[0] === 1);
    expect(counted(outbound, url)).toEqual([1, 1]);
  }
});

test('429 is no failure by default, and a 503 is one whether it asks to come back or not', async () => {
  const { agent, outbound } = setUp();
  const server = await upstream((incoming, response) => {
    response.writeHead(Number(incoming.url?.slice(1)), { 'retry-after': '1' }).end();
  });
  for (const path of ['/429', '/404', '/503', '/200']) await statusOf(agent, server.url + path);
  expect(counted(outbound, server.url)).toEqual([4, 1]);
});

test('isFailure is told status and headers; when it throws, the default stands', async () => {
  const warnings: unknown[] = [];
  const note = (warning: Error): void => void warnings.push(warning.message);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  const { agent, outbound } = setUp({
    isFailure: (status, headers) => {
      if (status === 500) throw new Error('my mistake');
      return headers['x-degraded'] === 'yes';
    },
  });
  const server = await upstream((incoming, response) => {
    const status = Number(incoming.url?.slice(1));
    response.writeHead(status, { 'x-degraded': status === 200 ? 'yes' : 'no' }).end();
  });
  await statusOf(agent, `${server.url}/503`);
  expect(counted(outbound, server.url)).toEqual([1, 0]);
  await statusOf(agent, `${server.url}/200`);
  expect(counted(outbound, server.url)).toEqual([2, 1]);
  await statusOf(agent, `${server.url}/500`);
  expect(counted(outbound, server.url)).toEqual([3, 2]);
  await until('the mistake is reported', () => warnings.includes('my mistake'));
});

test('an abort by the caller says nothing, before the headers; a timeout is a failure', async () => {
  const strays = strayErrors();
  const { agent, outbound } = setUp();
  const server = await upstream(() => undefined);
  const aborted = new AbortController();
  const call = request(server.url, { dispatcher: agent, signal: aborted.signal });
  await until('it has arrived', () => server.requests.length === 1);
  aborted.abort();
  await expect(call).rejects.toMatchObject({ name: 'AbortError' });
  expect(counted(outbound, server.url)).toEqual([0, 0]);

  for (const reason of [
    new DOMException('too late', 'TimeoutError'),
    new TimeoutError('mine', 'too late', { timeoutMs: 5 }),
  ]) {
    const timed = new AbortController();
    const late = undiciFetch(server.url, { dispatcher: agent, signal: timed.signal });
    const seen = server.requests.length;
    await until('it has arrived', () => server.requests.length > seen);
    timed.abort(reason);
    await expect(late).rejects.toBe(reason);
  }
  expect(counted(outbound, server.url)).toEqual([2, 2]);
  expect(outbound.get(server.url)?.stats()).toMatchObject({ lost: 0 });
  expect(strays).toEqual([]);
});

test('a request that is aborted before it starts is let go, and holds no place', async () => {
  const { agent, outbound } = setUp();
  const server = await upstream((_, response) => response.end('fine'));
  const signal = AbortSignal.abort();
  await expect(request(server.url, { dispatcher: agent, signal })).rejects.toMatchObject({
    name: 'AbortError',
  });
  await until('it is settled', () => outbound.get(server.url) !== undefined);
  expect(server.requests).toEqual([]);
  expect(counted(outbound, server.url)).toEqual([0, 0]);
});

test('a good answer whose rest the caller does not want is a success', async () => {
  const { agent, outbound } = setUp();
  const server = await upstream((_, response) => void response.writeHead(200).write('and so on'));
  const { body } = await request(server.url, { dispatcher: agent });
  body.on('error', () => undefined);
  body.destroy();
  await until('it is counted', () => counted(outbound, server.url)[0] === 1);
  expect(counted(outbound, server.url)).toEqual([1, 0]);
});

test('an upload that fails on this side is no failure of the origin', async () => {
  const { agent, outbound } = setUp();
  const server = await upstream(() => undefined);
  const body = new PassThrough();
  const call = request(server.url, { dispatcher: agent, method: 'PUT', body });
  body.write('half');
  await until('it has arrived', () => server.requests.length === 1);
  body.destroy(new Error('the disk is gone'));
  await expect(call).rejects.toThrow('the disk is gone');
  expect(counted(outbound, server.url)).toEqual([0, 0]);
});

test('misuse and a closed client are no failures of the origin', async () => {
  const { agent, outbound } = setUp();
  const server = await upstream((_, response) => response.end());
  const wrong = { dispatcher: agent, headers: { 'bad header': 'x' } };
  await expect(request(server.url, wrong)).rejects.toThrow('invalid header key');
  await agent.close();
  expect(await statusOf(agent, server.url)).toMatch(/^UND_ERR_(CLOSED|DESTROYED)$/);
  expect(counted(outbound, server.url)).toEqual([0, 0]);
});

test('an upgrade is a success when it is made', async () => {
  const { outbound } = setUp();
  const server = await upstream(() => undefined);
  const client = new Client(server.url);
  onTestFinished(() => client.destroy());
  const { socket } = await client.compose(outbound).upgrade({ path: '/', protocol: 'test' });
  socket.destroy();
  expect(counted(outbound, server.url)).toEqual([1, 0]);
});

test('a CONNECT is judged by its status', async () => {
  const { outbound } = setUp();
  const server = await upstream(() => undefined);
  const client = new Client(server.url);
  onTestFinished(() => client.destroy());
  for (const path of ['open:1', 'closed:1']) {
    const { socket } = await client.compose(outbound).connect({ origin: server.url, path });
    socket.on('error', () => undefined).destroy();
  }
  expect(counted(outbound, server.url)).toEqual([2, 1]);
  expect(outbound.get(server.url)?.stats().lost).toBe(0);
});

test("within undici's retry each try is counted, and the retry ends when the breaker opens", async () => {
  const retry = interceptors.retry({ maxRetries: 10, minTimeout: 1, maxTimeout: 1 });
  const { agent, outbound } = setUp({}, retry);
  const server = await upstream((_, response) => response.writeHead(500).end());
  expect(await statusOf(agent, server.url)).toBe('SLUICE_CIRCUIT_OPEN');
  expect(server.requests).toHaveLength(3);
  expect(outbound.get(server.url)?.state).toBe('open');
});

test("around undici's retry a request is counted once", async () => {
  const { outbound } = setUp();
  const agent = new Agent();
  onTestFinished(() => agent.destroy());
  const retry = interceptors.retry({ maxRetries: 3, minTimeout: 1, maxTimeout: 1 });
  const server = await upstream((_, response, count) => {
    response.writeHead(count < 3 ? 500 : 200).end();
  });
  expect(await statusOf(agent.compose(retry, outbound), server.url)).toBe(200);
  expect(server.requests).toHaveLength(3);
  expect(counted(outbound, server.url)).toEqual([1, 0]);
});

test('within a redirect each origin is judged by its own answer', async () => {
  const { agent, outbound } = setUp({}, interceptors.redirect({ maxRedirections: 3 }));
  const bad = await upstream((_, response) => response.writeHead(500).end());
  const moved = await upstream((_, response) => {
    response.writeHead(302, { location: bad.url }).end();
  });
  expect(await statusOf(agent, moved.url)).toBe(500);
  expect(counted(outbound, moved.url)).toEqual([1, 0]);
  expect(counted(outbound, bad.url)).toEqual([1, 1]);
});

test('requests that share a connection are settled one by one', async () => {
  const { outbound } = setUp({ consecutiveFailures: undefined });
  const server = await upstream((_, response, count) => {
    response.writeHead(count % 2 === 0 ? 500 : 200).end('body');
  });
  const client = new Client(server.url, { pipelining: 8 });
  onTestFinished(() => client.destroy());
  const pipelined = client.compose(outbound);
  await Promise.all(Array.from({ length: 16 }, () => statusOf(pipelined, server.url)));
  expect(counted(outbound, server.url)).toEqual([16, 8]);
  expect(outbound.get(server.url)?.stats().lost).toBe(0);
});

test('of thousands of origins as many breakers are kept as there may be, and the registry knows those', async () => {
  const registry = new PolicyRegistry();
  const { outbound } = setUp({ maxOrigins: 50, name: 'out', registry });
  const mock = new MockAgent();
  mock.disableNetConnect();
  onTestFinished(() => mock.close());
  mock
    .get(/.*/)
    .intercept({ path: '/' })
    .reply((options) => ({ statusCode: String(options.origin).includes('bad') ? 500 : 200 }))
    .persist();
  const agent = mock.compose(outbound);
  for (let i = 0; i < 3; i++) await statusOf(agent, 'http://bad.test');
  for (let i = 0; i < 3000; i++) {
    await statusOf(agent, `http://host-${i}.test`);
  }
  expect(Object.keys(outbound.stats())).toHaveLength(50);
  expect(outbound.dropped()).toBe(2951);
  expect(registry.size).toBe(50);
  expect(registry.get('out http://host-2999.test')).toBe(outbound.get('http://host-2999.test'));
  // It says more than those that are closed, so it outlives them.
  expect(outbound.get('http://bad.test')?.state).toBe('open');
});

test('what somebody ordered outlives what is open, and what is dropped begins anew', async () => {
  const { outbound } = setUp({ maxOrigins: 2, consecutiveFailures: 1 });
  const mock = new MockAgent();
  mock.disableNetConnect();
  onTestFinished(() => mock.close());
  mock.get(/.*/).intercept({ path: '/' }).reply(500).persist();
  const agent = mock.compose(outbound);
  await statusOf(agent, 'http://ordered.test');
  outbound.get('http://ordered.test')?.forceOpen();
  await statusOf(agent, 'http://open.test');
  await statusOf(agent, 'http://new.test');
  expect(Object.keys(outbound.stats())).toEqual(['http://ordered.test', 'http://new.test']);
  expect(await statusOf(agent, 'http://open.test')).toBe(500);
  expect(await statusOf(agent, 'http://ordered.test')).toBe('SLUICE_CIRCUIT_OPEN');
});

test('wrong options are all found when the interceptor is made', () => {
  const wrong = { maxOrigins: 0, isFailure: 5, openMs: -1, window: 3 } as never;
  expect(() => breaker(wrong)).toThrow(
    /^breaker: maxOrigins must be .*, got 0; isFailure must be a function, got 5; .*openMs.*window/s,
  );
});
