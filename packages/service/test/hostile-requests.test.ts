import { METHODS } from 'node:http';

import { SeededRandom } from '@sluice/core/testing';
import { expect, test } from 'vitest';

import { ask } from './support/ask.ts';
import { listening } from './support/listening.ts';
import { metricsOf, seriesOf, valueOf } from './support/metrics.ts';
import { answerTo, RawConnection } from './support/raw-connection.ts';

const plain = () =>
  listening({
    server: { maxHeaderBytes: 2048 },
    routes: [
      { path: '/', handler: () => 'served' },
      { method: 'POST', path: '/json', handler: ({ body }) => body ?? 'nothing' },
      { path: '/files/*', handler: ({ params }) => params },
      { path: '/orders/:id', handler: ({ params }) => params['id'] },
      { method: 'DELETE', path: '/orders/:order', handler: () => undefined },
    ],
  });

const lines = (...all: readonly string[]): string => `${all.join('\r\n')}\r\n`;

const MALFORMED: Readonly<Record<string, string>> = {
  'no HTTP at all': lines('hello', ''),
  'another version of HTTP': lines('GET / HTTP/3.0', 'host: test', ''),
  'the preface of HTTP/2': lines('PRI * HTTP/2.0', '', 'SM', ''),
  'an unknown method': lines('FETCH / HTTP/1.1', 'host: test', ''),
  'no host': lines('GET / HTTP/1.1', ''),
  'two lengths': lines(
    'POST /json HTTP/1.1',
    'host: test',
    'content-length: 5',
    'content-length: 6',
    '',
    'abcde',
  ),
  'length and chunks': lines(
    'POST /json HTTP/1.1',
    'host: test',
    'content-length: 5',
    'transfer-encoding: chunked',
    '',
    '0',
    '',
  ),
  'chunked, but not last': lines(
    'POST /json HTTP/1.1',
    'host: test',
    'transfer-encoding: chunked, identity',
    '',
    '0',
    '',
  ),
  'a length that is no number': lines(
    'POST /json HTTP/1.1',
    'host: test',
    'content-length: 5x',
    '',
    'abcde',
  ),
  'a negative length': lines(
    'POST /json HTTP/1.1',
    'host: test',
    'content-length: -5',
    '',
    'abcde',
  ),
  'a chunk size that is no number': lines(
    'POST /json HTTP/1.1',
    'host: test',
    'content-type: application/json',
    'transfer-encoding: chunked',
    '',
    'zz',
    '',
  ),
  'a chunk that is longer than its size': lines(
    'POST /json HTTP/1.1',
    'host: test',
    'content-type: application/json',
    'transfer-encoding: chunked',
    '',
    '1',
    '{}}}}}',
    '0',
    '',
  ),
  'obsolete folding': lines('GET / HTTP/1.1', 'host: test', 'x-folded: a', ' b', ''),
  'bare line feeds': 'GET / HTTP/1.1\nhost: test\n\n',
  'a bare carriage return': lines('GET / HTTP/1.1', 'host: test\rx: y', ''),
  'a space before the colon': lines(
    'POST /json HTTP/1.1',
    'host: test',
    'content-length : 5',
    '',
    'abcde',
  ),
  'a header without a name': lines('GET / HTTP/1.1', 'host: test', ': value', ''),
  'a null byte in a header': lines('GET / HTTP/1.1', 'host: test', 'x: a\0b', ''),
  'a URL with a wrong escape': lines('GET /%zz HTTP/1.1', 'host: test', ''),
  'a URL that is not UTF-8': lines('GET /orders/%ff%fe HTTP/1.1', 'host: test', ''),
};

test.each(Object.entries(MALFORMED))('a request with %s is answered 400', async (_, bytes) => {
  const { port, url, log } = await plain();
  const answer = await answerTo(port, bytes);
  expect(answer.status).toBe(400);
  expect(answer.body).not.toMatch(/\.[jt]s\b|node:|\bat /);
  expect((await ask(url)).status).toBe(200);
  expect(log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
});

test('a header that is too large is answered 431', async () => {
  const { port } = await plain();
  const large = `x: ${'a'.repeat(3000)}`;
  expect(await answerTo(port, lines('GET / HTTP/1.1', 'host: test', large, ''))).toMatchObject({
    status: 431,
    headers: { 'content-type': 'application/problem+json', connection: 'close' },
  });
  const url = `GET /${'a'.repeat(3000)} HTTP/1.1`;
  expect((await answerTo(port, lines(url, 'host: test', ''))).status).toBe(431);
});

test('garbage behind a request that is worked on ends both with one answer, and the work is told', async () => {
  let reason: unknown;
  const { port, url, service } = await listening({
    routes: [
      {
        path: '/',
        handler: ({ signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              reason = signal.reason;
              reject(new Error('told'));
            });
          }),
      },
    ],
  });
  const connection = await RawConnection.open(port);
  connection.send(lines('GET / HTTP/1.1', 'host: test', '', 'garbage', ''));
  expect((await connection.answer()).status).toBe(400);
  await connection.closed;
  expect(connection.rest).toBe('');
  expect(reason).toBeInstanceOf(DOMException);
  expect(service.stats().activeRequests).toBe(0);
  const metrics = await metricsOf(url);
  expect(valueOf(metrics, 'http_requests_total', { endpoint: '/', status: '400' })).toBe(1);
});

test('a URL that no route takes is answered 404 before its body is looked at', async () => {
  const { port, url } = await plain();
  for (const path of ['/nowhere', '/orders', '/orders/1/2', '//', '/json/', '/JSON', '/files']) {
    const answer = await ask(`${url}${path}`);
    expect([path, answer.status]).toEqual([path, 404]);
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  }
  for (const type of ['application/json', 'text/plain', 'nonsense']) {
    const bytes = [`content-type: ${type}`, 'content-length: 99999999', '', '{'];
    const answer = await answerTo(port, lines('POST /nowhere HTTP/1.1', 'host: test', ...bytes));
    expect([type, answer.status]).toEqual([type, 404]);
  }
});

test('a method that the path does not have is answered 405 with those that it has, before the body', async () => {
  const { port } = await plain();
  for (const [method, path, allow] of [
    ['POST', '/', 'GET, HEAD'],
    ['GET', '/json', 'POST'],
    ['OPTIONS', '/json', 'POST'],
    ['TRACE', '/', 'GET, HEAD'],
    ['PROPFIND', '/', 'GET, HEAD'],
    ['M-SEARCH', '/', 'GET, HEAD'],
    ['PUT', '/orders/1', 'GET, HEAD, DELETE'],
    ['PUT', '/files/a/b', 'GET, HEAD'],
    ['DELETE', '/livez', 'GET, HEAD'],
  ] as const) {
    const body = ['content-type: nonsense', 'content-length: 99999999', '', '{'];
    const bytes = lines(`${method} ${path} HTTP/1.1`, 'host: test', ...body);
    const { status, headers } = await answerTo(port, bytes);
    expect([method, path, status, headers['allow']]).toEqual([method, path, 405, allow]);
  }
});

test('HEAD is answered like GET, without the body', async () => {
  const { port } = await plain();
  for (const path of ['/', '/orders/7', '/livez', '/stats', '/metrics']) {
    const connection = await RawConnection.open(port);
    connection.send(lines(`HEAD ${path} HTTP/1.1`, 'host: test', ''));
    const { status, headers } = await connection.answer({ toHead: true });
    expect([path, status]).toEqual([path, 200]);
    expect(Number(headers['content-length'])).toBeGreaterThan(0);
    connection.send(lines('GET / HTTP/1.1', 'host: test', ''));
    expect(await connection.answer()).toMatchObject({ status: 200, body: 'served' });
  }
});

test('an absolute URL is served as HTTP asks, an asterisk and a CONNECT are not', async () => {
  const { port, url } = await plain();
  const absolute = lines('GET http://elsewhere.example/orders/9 HTTP/1.1', 'host: test', '');
  expect(await answerTo(port, absolute)).toMatchObject({ status: 200, body: '9' });
  expect((await answerTo(port, lines('OPTIONS * HTTP/1.1', 'host: test', ''))).status).toBe(405);
  const tunnel = await RawConnection.open(port);
  await tunnel.send(lines('CONNECT elsewhere.example:443 HTTP/1.1', 'host: test', '')).closed;
  expect((await ask(url)).status).toBe(200);
});

test('requests that were sent ahead on one connection are answered in their order', async () => {
  const { port } = await plain();
  const connection = await RawConnection.open(port);
  const ids = Array.from({ length: 50 }, (_, id) => String(id));
  connection.send(ids.map((id) => lines(`GET /orders/${id} HTTP/1.1`, 'host: test', '')).join(''));
  for (const id of ids) expect((await connection.answer()).body).toBe(id);
});

test('a thousand random paths and methods add no labels to the metrics', async () => {
  const { port, url } = await plain();
  const random = new SeededRandom(7);
  const pick = (list: readonly string[]): string => list[Math.floor(random.next() * list.length)]!;
  const methods = METHODS.filter((method) => method !== 'CONNECT');
  const before = await metricsOf(url);
  const connection = await RawConnection.open(port);
  for (let sent = 0; sent < 1000; sent++) {
    const method = pick(methods);
    const path = pick(['/', '/orders/', '/files/', '/json', '/no/']) + random.next();
    connection.send(lines(`${method} ${path} HTTP/1.1`, 'host: test', `x-request-id: ${sent}`, ''));
    await connection.answer({ toHead: method === 'HEAD' });
  }
  const after = await metricsOf(url);
  const seconds = 'http_request_duration_seconds_count';
  expect(seriesOf(after, seconds)).toHaveLength(seriesOf(before, seconds).length);
  const total = seriesOf(after, 'http_requests_total');
  expect(new Set(total.map(({ labels }) => labels['endpoint']))).toEqual(
    new Set(['unmatched', '/metrics', '/orders/:id', '/orders/:order', '/files/*']),
  );
  const counted = total.filter(({ labels }) => labels['endpoint'] !== '/metrics');
  expect(counted.reduce((sum, { value }) => sum + value, 0)).toBe(1000);
  const statuses = new Set(total.map(({ labels }) => labels['status']));
  expect([...statuses].filter((status) => !/^(?:20[04]|40[045]|415)$/.test(status!))).toEqual([]);
});
