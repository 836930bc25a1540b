import { getEventListeners } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';

import {
  CircuitBreaker,
  CircuitOpenError,
  Fallback,
  Hedge,
  InvalidOptionsError,
  Timeout,
  TimeoutError,
} from '@sluice/core';
import { ManualClock } from '@sluice/core/testing';
import { Agent, fetch as undiciFetch, FormData } from 'undici';
import { expect, onTestFinished, test } from 'vitest';

import { breaker, guardedFetch, HttpStatusError } from '../src/index.ts';
import { retry, strayErrors, upstream } from './support/upstream.ts';
import { until } from './support/until.ts';

function own(options: Agent.Options = {}): Agent {
  const agent = new Agent(options);
  onTestFinished(() => agent.destroy());
  return agent;
}

test('a call that works is what fetch makes of it', async () => {
  const server = await upstream((_, response) => response.writeHead(201, { 'x-a': 'b' }).end('hi'));
  const get = guardedFetch([new CircuitBreaker()]);
  const response = await get(`${server.url}/path`);
  expect(response).toBeInstanceOf(Response);
  expect(response).toMatchObject({ status: 201, url: `${server.url}/path`, ok: true });
  expect(response.headers.get('x-a')).toBe('b');
  expect(await response.text()).toBe('hi');
});

test('a failed answer is tried again, and the breaker has seen it', async () => {
  const server = await upstream((_, response, count) => {
    response.writeHead(count < 3 ? 503 : 200).end(`answer ${count}`);
  });
  const guard = new CircuitBreaker();
  const get = guardedFetch([retry(), guard]);
  const response = await get(server.url);
  expect([response.status, await response.text()]).toEqual([200, 'answer 3']);
  expect(guard.stats()).toMatchObject({ windowCalls: 3, windowFailures: 2 });
});

test('when no try is left the caller gets the last response itself, and can read it', async () => {
  const server = await upstream((_, response, count) =>
    response.writeHead(501 + count).end(`answer ${count}`),
  );
  const response = await guardedFetch([retry({ maxAttempts: 2 })])(server.url);
  expect([response.status, await response.text()]).toEqual([503, 'answer 2']);
  expect(server.requests).toHaveLength(2);
});

test('an answer that is no failure comes as it is, whatever its status', async () => {
  const server = await upstream((_, response) => response.writeHead(404).end());
  const get = guardedFetch([retry()]);
  expect((await get(server.url)).status).toBe(404);
  expect(server.requests).toHaveLength(1);
  const strict = guardedFetch([retry()], { isFailure: ({ ok }) => !ok });
  expect((await strict(server.url)).status).toBe(404);
  expect(server.requests).toHaveLength(2); // Seen as a failure, which Retry knows to last.
});

test('Retry-After is heeded', async () => {
  const server = await upstream((_, response) =>
    response.writeHead(503, { 'retry-after': '60' }).end(),
  );
  const patient = retry({ maxRetryAfterMs: 1000 });
  const response = await guardedFetch([patient])(server.url);
  expect(response.status).toBe(503);
  expect(server.requests).toHaveLength(1);
  expect(patient.stats().outOfTime).toBe(1);
});

test('the bodies of earlier tries are cancelled, so that their sockets are free', async () => {
  const server = await upstream((_, response, count) => {
    response.writeHead(count < 4 ? 500 : 200);
    // More than any buffer on the way holds: unread, it would keep its socket for ever.
    response.end(count < 4 ? Buffer.alloc(8_000_000) : 'good');
  });
  const dispatcher = own({ connections: 1 });
  const get = guardedFetch([retry({ maxAttempts: 4 })], { dispatcher });
  expect(await (await get(server.url)).text()).toBe('good');
  await until('one socket is left', () => server.sockets.size === 1);
});

test('an answer that a fallback takes the place of is cancelled', async () => {
  const server = await upstream((_, response) => response.writeHead(500).end(Buffer.alloc(8e6)));
  const dispatcher = own({ connections: 1 });
  const instead = new Fallback<Response>({
    cases: [
      {
        on: HttpStatusError,
        run: (error) => Response.json({ was: (error as HttpStatusError).status }),
      },
    ],
  });
  const get = guardedFetch([instead], { dispatcher });
  for (let i = 0; i < 3; i++) expect(await (await get(server.url)).json()).toEqual({ was: 500 });
  expect(server.requests).toHaveLength(3);
});

test('a fallback may choose the answer that failed', async () => {
  const server = await upstream((_, response) => response.writeHead(500).end('why'));
  const same = new Fallback<Response>({
    cases: [{ on: HttpStatusError, run: (error) => (error as HttpStatusError).response }],
  });
  expect(await (await guardedFetch([same])(server.url)).text()).toBe('why');
});

test('the tries of a hedge that lose, leave nothing behind', async () => {
  const strays = strayErrors();
  const server = await upstream((_, response, count) => {
    if (count > 1) response.end('second');
  });
  const get = guardedFetch([new Hedge({ delayMs: 5 })], { dispatcher: own() });
  expect(await (await get(server.url)).text()).toBe('second');
  await until('the loser has gone', () => server.sockets.size === 1);
  await turn();
  expect(strays).toEqual([]);
});

test("the caller's signal ends a try, a wait between two tries, and the body", async () => {
  const strays = strayErrors();
  const server = await upstream((request, response) => {
    if (request.url === '/body') response.writeHead(200).write('part');
    if (request.url === '/wait') response.writeHead(503).end();
  });
  const get = guardedFetch([
    retry({ backoff: { type: 'constant', delayMs: 60_000 } }),
    new CircuitBreaker(),
  ]);
  for (const path of ['/hang', '/wait']) {
    const ender = new AbortController();
    const arrived = server.requests.length;
    const call = get(server.url + path, { signal: ender.signal });
    await until('it has arrived', () => server.requests.length > arrived);
    const reason = new Error('enough');
    ender.abort(reason);
    await expect(call).rejects.toBe(reason);
  }
  const ender = new AbortController();
  const response = await get(new Request(`${server.url}/body`, { signal: ender.signal }));
  const body = response.text();
  ender.abort();
  await expect(body).rejects.toMatchObject({ name: 'AbortError' });
  await expect(get(server.url, { signal: AbortSignal.abort(new Error('was')) })).rejects.toThrow(
    'was',
  );
  await turn();
  expect(strays).toEqual([]);
});

test('a timeout ends the request and its socket', async () => {
  const server = await upstream(() => undefined);
  const clock = new ManualClock();
  const get = guardedFetch(new Timeout({ timeoutMs: 20, clock }), { dispatcher: own() });
  const call = get(server.url);
  await until('it has arrived', () => server.requests.length === 1);
  clock.advance(20);
  await expect(call).rejects.toThrow(TimeoutError);
  await until('the socket is closed', () => server.sockets.size === 0);
});

test("a time limit holds for the headers, and for the body with until: 'body'", async () => {
  const strays = strayErrors();
  const held: ServerResponse[] = [];
  const server = await upstream((_, response) => {
    response.writeHead(200).write('part ', () => void held.push(response));
  });
  const clock = new ManualClock();
  const limit = new Timeout({ timeoutMs: 40, clock });
  const response = await guardedFetch(limit)(server.url);
  clock.advance(40);
  await until('it has begun', () => held.length === 1);
  held[0]?.end('rest');
  expect(await response.text()).toBe('part rest');

  const whole = guardedFetch(limit, { until: 'body' })(server.url);
  await until('it has begun', () => held.length === 2);
  clock.advance(40);
  await expect(whole).rejects.toThrow(TimeoutError);
  await turn();
  expect(strays).toEqual([]);
});

test("a body that breaks off is tried again with until: 'body'", async () => {
  const strays = strayErrors();
  const server = await upstream((_, response, count) => {
    if (count === 2) return void response.end('whole');
    response.writeHead(200, { 'content-length': 10 });
    response.write('half', () => response.socket?.destroy());
  });
  const get = guardedFetch([retry()], { until: 'body' });
  const response = await get(`${server.url}/path`);
  expect(response.url).toBe(`${server.url}/path`);
  expect(await response.text()).toBe('whole');
  await turn();
  expect(strays).toEqual([]);
});

test('a refusal by the breaker of a dispatcher is a refusal to the policies, too', async () => {
  const server = await upstream((_, response) => response.writeHead(500).end());
  const outbound = breaker({ consecutiveFailures: 1, openMs: 60_000 });
  const guard = new CircuitBreaker();
  const get = guardedFetch([retry({ maxRetryAfterMs: 1000 }), guard], {
    dispatcher: own().compose(outbound),
  });
  await expect(get(server.url)).rejects.toThrow(CircuitOpenError);
  await expect(get(server.url)).rejects.toThrow(`breaker ${server.url}: the circuit is open`);
  expect(server.requests).toHaveLength(1);
  expect(guard.stats()).toMatchObject({ windowCalls: 1, windowFailures: 1 });
});

test("the breaker of a dispatcher counts the policies' timeouts, and the caller's, but not an abort", async () => {
  const server = await upstream(() => undefined);
  const outbound = breaker();
  const clock = new ManualClock();
  const get = guardedFetch(new Timeout({ timeoutMs: 20, clock }), {
    dispatcher: own().compose(outbound),
  });
  const windowOf = (): unknown => {
    const { windowCalls, windowFailures } = outbound.get(server.url)?.stats() ?? {};
    return [windowCalls, windowFailures];
  };
  const ends: ((ender: AbortController) => void)[] = [
    () => clock.advance(20),
    (ender) => ender.abort(new DOMException('too late', 'TimeoutError')),
    (ender) => ender.abort(),
  ];
  for (const [seen, end] of ends.entries()) {
    const ender = new AbortController();
    const call = get(server.url, { signal: ender.signal });
    await until('it has arrived', () => server.requests.length === seen + 1);
    end(ender);
    await expect(call).rejects.toMatchObject({ name: seen < 2 ? 'TimeoutError' : 'AbortError' });
  }
  await until('all sockets are closed', () => server.sockets.size === 0);
  expect(windowOf()).toEqual([2, 2]);
});

test('a fetch of your own may take what the global one does not, and is guarded all the same', async () => {
  const server = await upstream((_, response) => response.end('fine'));
  const guard = new CircuitBreaker();
  const get = guardedFetch(guard, {
    fetch: (path, init) => fetch(server.url + (path as string), init),
  });
  expect(await (await get('/items')).text()).toBe('fine');
  expect(guard.stats().succeeded).toBe(1);
});

test("undici's own fetch sends, when it is given", async () => {
  const server = await upstream((_, response) => response.end('fine'));
  const form = new FormData();
  form.set('a', 'b');
  const post = guardedFetch([retry()], { fetch: undiciFetch as typeof fetch, dispatcher: own() });
  const response = await post(server.url, { method: 'POST', body: form as never });
  expect(await response.text()).toBe('fine');
  expect(server.bodies[0]).toContain('name="a"');
});

test('what fetch would refuse counts nowhere', async () => {
  const guard = new CircuitBreaker();
  const get = guardedFetch([retry(), guard]);
  await expect(get('no address')).rejects.toThrow(TypeError);
  await expect(get('http://a.test', { headers: { 'a b': 'c' } })).rejects.toThrow(TypeError);
  await expect(get('http://a.test', { method: 'a b' })).rejects.toThrow(TypeError);
  expect(guard.stats()).toMatchObject({ permitted: 0 });
});

test('a call leaves no listener on a signal that lives long', async () => {
  const { signal } = new AbortController();
  const statuses = [200, 500, 200, 500, 500, 500];
  const send = guardedFetch(
    [new Timeout({ timeoutMs: 5000 }), retry({ maxAttempts: 2 }), new CircuitBreaker()],
    { fetch: async () => new Response('', { status: statuses.shift() ?? 200 }) },
  );
  for (const method of ['GET', 'GET', 'POST', 'GET']) {
    await send('http://upstream.test', { method, signal });
  }
  expect(statuses).toEqual([]);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('an answer that comes when nobody waits for it any more is cancelled', async () => {
  const clock = new ManualClock();
  const late = new Response('late');
  let arrive: (response: Response) => void = () => undefined;
  const deaf = (): Promise<Response> => new Promise((resolve) => (arrive = resolve));
  const call = guardedFetch(new Timeout({ timeoutMs: 20, clock }), { fetch: deaf })(
    'http://a.test',
  );
  clock.advance(20);
  await expect(call).rejects.toThrow(TimeoutError);
  arrive(late);
  await turn();
  await expect(late.text()).rejects.toThrow(TypeError);
});

test('wrong options are all named', () => {
  const wrong = { fetch: 1, dispatcher: {}, isFailure: 2, until: 'end', retries: 3 } as never;
  expect(() => guardedFetch([retry()], wrong)).toThrow(InvalidOptionsError);
  expect(() => guardedFetch([retry()], wrong)).toThrow(
    /fetch.*dispatcher.*isFailure.*until.*retries/s,
  );
  expect(() => guardedFetch([])).toThrow(InvalidOptionsError);
});
