import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';

import { expect, test } from 'vitest';

import type { Handler, ServiceConfig } from '../src/index.ts';
import { ask } from './support/ask.ts';
import { proxying } from './support/proxying.ts';
import { answerTo, RawConnection } from './support/raw-connection.ts';
import { targetServer } from './support/target.ts';
import { until } from './support/until.ts';
import { deadUrl } from './support/upstream.ts';

test('a request goes to the target as it came, and the answer comes back as it was given', async () => {
  const target = await targetServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      response.writeHead(207, 'Several Things', [
        'Set-Cookie',
        'a=1',
        'Set-Cookie',
        'b=2',
        'X-Echo',
        Buffer.concat(parts).toString(),
      ]);
      response.end(`${request.method} ${request.url}`);
    });
  });
  const { url } = await proxying([target.origin]);
  const answer = await ask(`${url}/a%2Fb/c?x=1&y=%20`, { method: 'PUT', body: 'hello' });
  expect(answer.status).toBe(207);
  expect(answer.statusText).toBe('Several Things');
  expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(answer.headers.get('x-echo')).toBe('hello');
  expect(await answer.text()).toBe('PUT /a%2Fb/c?x=1&y=%20');
  expect(target.requests[0]?.headers).toMatchObject({
    host: new URL(target.origin).host,
    'content-length': '5',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    via: expect.stringContaining('sluice') as string,
  });
});

test('a redirect is passed on, not followed', async () => {
  const target = await targetServer((_request, response) => {
    response.writeHead(302, { location: 'http://127.0.0.1:1/elsewhere' }).end();
  });
  const { url } = await proxying([target.origin]);
  const answer = await ask(url, { redirect: 'manual' });
  expect(answer.status).toBe(302);
  expect(answer.headers.get('location')).toBe('http://127.0.0.1:1/elsewhere');
  expect(target.requests).toHaveLength(1);
});

test('HEAD, 204 and 304 are answered without a body', async () => {
  const target = await targetServer((request, response) => {
    const status = Number(request.url?.slice(1));
    response.writeHead(status, status === 200 ? { 'content-length': '11' } : {}).end();
  });
  const { url, port } = await proxying([target.origin]);
  const head = await ask(`${url}/200`, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length')]).toEqual([200, '11']);
  const connection = await RawConnection.open(port);
  for (const status of [204, 304]) {
    connection.send(`GET /${status} HTTP/1.1\r\nhost: a\r\n\r\n`);
    expect((await connection.answer()).status).toBe(status);
  }
  expect(connection.rest).toBe('');
});

test('no connection to any target is 502, and says nothing of where they are', async () => {
  const dead = await deadUrl();
  const { url, log } = await proxying([dead]);
  const answer = await ask(url);
  expect(answer.status).toBe(502);
  const text = await answer.text();
  expect(JSON.parse(text)).toMatchObject({ status: 502, code: 'SLUICE_UPSTREAM_FAILED' });
  expect(text).not.toContain('127.0.0.1');
  expect(JSON.stringify(log)).toContain(new URL(dead).host);
});

test('a target that does not answer in time is 504, and is let go of', async () => {
  const target = await targetServer(() => undefined);
  const { url } = await proxying([target.origin], { route: { timeoutMs: 60 } });
  const answer = await ask(url);
  expect(answer.status).toBe(504);
  await until('the connection to the target is closed', () => target.sockets.size === 0);
});

test('the time for the head of the answer is limited apart, also while a body is sent', async () => {
  const target = await targetServer(() => undefined);
  const { url, service } = await proxying([target.origin], {
    upstream: { headersTimeoutMs: 50, retry: false },
  });
  const answers = await Promise.all([ask(url), ask(url, { method: 'POST', body: 'x' })]);
  for (const answer of answers) {
    expect(answer.status).toBe(504);
    expect(await answer.json()).toMatchObject({ code: 'SLUICE_UPSTREAM_TIMEOUT' });
  }
  await until('nothing is under way', () => service.stats().upstreams['u']?.admission.active === 0);
});

test('a slow client may take longer for its body than a target may for its answer', async () => {
  const target = await targetServer((request, response) => {
    request.resume().on('end', () => response.end('ok'));
  });
  const { port } = await proxying([target.origin], { upstream: { headersTimeoutMs: 40 } });
  const connection = await RawConnection.open(port);
  connection.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n');
  for (const part of 'abcd') {
    await new Promise((resolve) => setTimeout(resolve, 50));
    connection.send(part);
  }
  expect((await connection.answer()).status).toBe(200);
});

test('the client that leaves ends the request at the target at once', async () => {
  let gone = false;
  const target = await targetServer((request) => {
    request.socket.on('close', () => (gone = true));
  });
  const { port, service } = await proxying([target.origin]);
  const connection = await RawConnection.open(port);
  connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await until('the target has the request', () => target.requests.length === 1);
  connection.leave();
  await until('the target sees the end of it', () => gone);
  await until('the lane is free', () => service.stats().upstreams['u']?.admission.active === 0);
  const [stats] = service.stats().upstreams['u']?.targets ?? [];
  expect(stats).toMatchObject({ inFlight: 0, failed: 0 });
});

test('what breaks off at the target breaks off at the client', async () => {
  const target = await targetServer((_request, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('only this');
    setImmediate(() => response.destroy());
  });
  const { port, service } = await proxying([], {
    config: {
      upstreams: { u: { targets: [target.origin] } },
      breakers: { b: {} },
      routes: [{ path: '/*', upstream: 'u', breaker: 'b' }],
    },
  });
  const connection = await RawConnection.open(port);
  connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await connection.closed;
  expect(connection.rest).toContain('only this');
  await until('it counts as a failure', () => service.breakers.get('b')?.stats().failed === 1);
});

test('status 500 and up is passed on as it is, and counts as a failure for the breaker of the route', async () => {
  const target = await targetServer((_request, response) => {
    response.writeHead(500, { 'x-why': 'broken' }).end('sorry');
  });
  const { url, service } = await proxying([], {
    config: {
      upstreams: { u: { targets: [target.origin] } },
      breakers: { b: { consecutiveFailures: 2 } },
      routes: [{ path: '/*', upstream: 'u', breaker: 'b' }],
    },
  });
  for (let i = 0; i < 2; i++) {
    const answer = await ask(url);
    expect([answer.status, answer.headers.get('x-why'), await answer.text()]).toEqual([
      500,
      'broken',
      'sorry',
    ]);
  }
  expect(service.breakers.get('b')?.state).toBe('open');
  expect((await ask(url)).status).toBe(503);
  expect(target.requests).toHaveLength(2);
});

test('more requests than may be under way and wait are refused', async () => {
  const waiting: (() => void)[] = [];
  const target = await targetServer((_request, response) => waiting.push(() => response.end('ok')));
  const { url, service } = await proxying([target.origin], {
    upstream: { connections: 1, pending: 1 },
  });
  const first = ask(url);
  await until('the target has the first', () => waiting.length === 1);
  const second = ask(url);
  await until('the second waits', () => service.stats().upstreams['u']?.admission.queued === 1);
  const third = await ask(url);
  expect(third.status).toBe(503);
  expect(await third.json()).toMatchObject({ code: 'SLUICE_QUEUE_FULL' });
  expect(target.requests).toHaveLength(1);
  waiting[0]?.();
  expect((await first).status).toBe(200);
  await until('the target has the second', () => waiting.length === 2);
  waiting[1]?.();
  expect((await second).status).toBe(200);
});

test('the time that is left is passed on, the shorter of the route and a trusted proxy in front', async () => {
  const target = await targetServer((request, response) => {
    response.end(
      [request.headers['x-request-deadline-ms'], request.headers['grpc-timeout']].join(' '),
    );
  });
  const config = (trustedProxies: string[]): ServiceConfig<Handler> => ({
    server: { trustedProxies },
    upstreams: { u: { targets: [target.origin] } },
    routes: [{ path: '/*', upstream: 'u', timeoutMs: 5000 }],
  });
  const { url } = await proxying([], { config: config(['127.0.0.1']) });
  const stranger = await proxying([], { config: config([]) });
  const left = async (headers: Record<string, string>): Promise<string[]> =>
    (await (await ask(url, { headers })).text()).split(' ');
  const lie = await ask(stranger.url, { headers: { 'x-request-deadline-ms': '900' } });
  expect(Number((await lie.text()).split(' ')[0])).toBeGreaterThan(900);
  const [own = ''] = await left({});
  expect(Number(own)).toBeGreaterThan(1000);
  expect(Number(own)).toBeLessThanOrEqual(5000);
  const [asked = '', grpc] = await left({ 'x-request-deadline-ms': '900', 'grpc-timeout': '7S' });
  expect(Number(asked)).toBeLessThanOrEqual(900);
  expect(grpc).toBe('7S');
});

test('an idempotent request is sent again to another target, and a POST only if it was never sent', async () => {
  const bad = await targetServer((request, response) => {
    if (request.method === 'GET') response.writeHead(503).end('no');
    else response.destroy();
  });
  const good = await targetServer((_request, response) => response.end('yes'));
  const dead = await deadUrl();
  const { url } = await proxying([bad.origin, good.origin], {
    upstream: { ejection: false, breaker: false },
  });
  for (let i = 0; i < 10; i++) expect(await (await ask(url)).text()).toBe('yes');
  const other = await proxying([dead, good.origin], {
    upstream: { ejection: false, breaker: false },
  });
  for (let i = 0; i < 10; i++) {
    const answer = await ask(other.url, { method: 'POST', body: 'some' });
    expect(answer.status).toBe(200);
  }
  const alone = await proxying([bad.origin], { upstream: { ejection: false, breaker: false } });
  const before = bad.requests.length;
  expect((await ask(alone.url, { method: 'POST', body: 'some' })).status).toBe(502);
  expect(bad.requests.length - before).toBe(1);
});

test('when no try is left the last answer of a target is the answer', async () => {
  const target = await targetServer((_request, response) => {
    response
      .writeHead(503, { 'retry-after': '0', 'x-n': String(target.requests.length) })
      .end('full');
  });
  const { url } = await proxying([target.origin], {
    upstream: { breaker: false, ejection: false, retry: { maxAttempts: 3 } },
  });
  const answer = await ask(url);
  expect([answer.status, answer.headers.get('x-n'), await answer.text()]).toEqual([
    503,
    '3',
    'full',
  ]);
  expect(target.requests).toHaveLength(3);
});

test('trailers of the answer are kept', async () => {
  const target = await targetServer((_request, response) => {
    response.writeHead(200, { trailer: 'x-sum' }).write('some');
    response.addTrailers({ 'x-sum': '42' });
    response.end();
  });
  const { port } = await proxying([target.origin]);
  const request = httpRequest({
    port,
    host: '127.0.0.1',
    headers: { te: 'trailers' },
    agent: false,
  });
  request.end();
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
  expect(answer.headers['trailer']).toBe('x-sum');
  expect(answer.trailers).toEqual({ 'x-sum': '42' });
});

test('a body that is larger than the route accepts is refused, announced or not', async () => {
  const target = await targetServer((request, response) => {
    request.resume().on('end', () => response.end('ok'));
  });
  const { port } = await proxying([target.origin], { route: { maxBodyBytes: 10 } });
  const announced = await answerTo(
    port,
    'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 11\r\n\r\n',
  );
  expect(announced.status).toBe(413);
  expect(target.requests).toHaveLength(0);
  const chunked = 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n';
  const found = await answerTo(port, `${chunked}6\r\nabcdef\r\n6\r\nghijkl\r\n0\r\n\r\n`);
  expect(found.status).toBe(413);
});

test('a target that answers before it has read the body gets its answer through, and the connection stays', async () => {
  const target = await targetServer((request, response) => {
    if (request.method === 'POST')
      response.writeHead(401, { connection: 'close' }).end('who are you');
    else response.end('ok');
  });
  const { port } = await proxying([target.origin]);
  const connection = await RawConnection.open(port);
  connection.send(
    `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n${'x'.repeat(1000)}`,
  );
  const answer = await connection.answer();
  expect([answer.status, answer.body]).toEqual([401, 'who are you']);
  connection.send('x'.repeat(99_000));
  connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  expect((await connection.answer()).body).toBe('ok');
});

test('requests on one connection, sent ahead, are answered in their order', async () => {
  const target = await targetServer((request, response) => {
    setTimeout(() => response.end(request.url), request.url === '/slow' ? 40 : 0);
  });
  const { port } = await proxying([target.origin]);
  const connection = await RawConnection.open(port);
  connection.send('GET /slow HTTP/1.1\r\nhost: a\r\n\r\nGET /fast HTTP/1.1\r\nhost: a\r\n\r\n');
  expect((await connection.answer()).body).toBe('/slow');
  expect((await connection.answer()).body).toBe('/fast');
});

test('an answer that no client may be sent is 502', async () => {
  const net = await import('node:net');
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nx: a\r\nbroken\r\n\r\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const { url } = await proxying([`http://127.0.0.1:${port}`], { upstream: { retry: false } });
  expect((await ask(url)).status).toBe(502);
  server.close();
});
