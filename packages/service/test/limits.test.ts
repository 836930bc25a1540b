import { expect, test } from 'vitest';

import { listening } from './support/listening.ts';
import { ask } from './support/ask.ts';
import { metricsOf, valueOf } from './support/metrics.ts';
import { answerTo, RawConnection } from './support/raw-connection.ts';
import { until } from './support/until.ts';

const KINDS = ['json', 'text', 'bytes', 'stream'] as const;

/** A route for each kind of body, on which a body may have 1,000 bytes. */
const bodies = () =>
  listening({
    server: { maxBodyBytes: 1000 },
    routes: [
      ...KINDS.map((kind) => ({
        method: 'POST' as const,
        path: `/${kind}`,
        body: kind,
        handler: async ({ body }: { body: unknown }) => lengthOf(body),
      })),
      { path: '/', handler: () => 'served' },
    ],
  });

async function lengthOf(body: unknown): Promise<unknown> {
  if (typeof body === 'string' || Buffer.isBuffer(body)) return { length: body.length };
  if (!isStream(body)) return { json: body };
  let length = 0;
  for await (const chunk of body) length += chunk.length;
  return { length };
}

function isStream(body: unknown): body is AsyncIterable<Buffer> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

const head = (path: string, ...lines: readonly string[]): string =>
  [`POST ${path} HTTP/1.1`, 'host: test', 'content-type: application/json', ...lines, '', ''].join(
    '\r\n',
  );
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

test.each(KINDS)('a %s body of exactly the limit is taken', async (kind) => {
  const { port } = await bodies();
  const text = JSON.stringify('x'.repeat(998));
  const whole = await answerTo(port, `${head(`/${kind}`, 'content-length: 1000')}${text}`);
  expect(whole.status).toBe(200);
  const chunked = `${chunk(text.slice(0, 500))}${chunk(text.slice(500))}0\r\n\r\n`;
  const parts = await answerTo(port, `${head(`/${kind}`, 'transfer-encoding: chunked')}${chunked}`);
  expect(parts.status).toBe(200);
});

test.each(KINDS)(
  'a %s body that says it is too large is answered 413 before it is sent, and the connection ends',
  async (kind) => {
    const { port, url } = await bodies();
    const connection = await RawConnection.open(port);
    const answer = await connection.send(head(`/${kind}`, 'content-length: 1001')).answer();
    expect(answer).toMatchObject({
      status: 413,
      headers: { connection: 'close', 'content-type': 'application/problem+json; charset=utf-8' },
    });
    await connection.closed;
    expect(
      valueOf(await metricsOf(url), 'http_requests_total', { endpoint: `/${kind}`, status: '413' }),
    ).toBe(1);
  },
);

test.each(KINDS)('a %s body in chunks that grows too large is answered 413', async (kind) => {
  const { port, url, service } = await bodies();
  const connection = await RawConnection.open(port);
  connection.send(`${head(`/${kind}`, 'transfer-encoding: chunked')}${chunk('x'.repeat(600))}`);
  await until('the first chunk has come', () => service.stats().activeRequests === 1);
  expect((await connection.send(chunk('x'.repeat(600))).answer()).status).toBe(413);
  await connection.closed;
  expect((await ask(url)).status).toBe(200);
});

test('a client that sends all of a refused body before it reads still gets its answer, though the connection ends', async () => {
  const { port, service } = await bodies();
  for (const [path, ...lines] of [
    ['/nowhere', 'connection: close', 'content-length: 3000000'],
    ['/bytes', 'content-length: 3000000'],
    ['/stream', 'transfer-encoding: chunked'],
  ] as const) {
    const before = service.stats().requests.total;
    const connection = (await RawConnection.open(port)).pause();
    const isChunked = path === '/stream';
    const part = 'x'.repeat(1_000_000);
    const bytes = isChunked ? chunk(part) : part;
    connection.send(`${head(path, ...lines)}${bytes}`);
    await until('it is answered', () => service.stats().requests.total > before);
    connection.send(bytes).send(bytes);
    if (isChunked) connection.send('0\r\n\r\n');
    await connection.sent();
    const { status, headers } = await connection.resume().answer();
    expect([path, status, headers['connection']]).toEqual([
      path,
      path === '/nowhere' ? 404 : 413,
      'close',
    ]);
    await connection.closed;
  }
});

test('a client that uploads 20 MB to a route that takes 1 KB still reads its 413', async () => {
  const { url } = await bodies();
  const body = new Uint8Array(20_000_000);
  for (const kind of KINDS) {
    const headers = { 'content-type': 'application/json' };
    const answer = await ask(`${url}/${kind}`, { method: 'POST', body, headers });
    expect([kind, answer.status]).toEqual([kind, 413]);
  }
});

test('malformed JSON is answered 400, without quoting it', async () => {
  const { url } = await bodies();
  const headers = { 'content-type': 'application/json' };
  for (const body of ['{', '', '{"secret": }', "{'a': 1}", 'undefined', '\u0000']) {
    const answer = await ask(`${url}/json`, { method: 'POST', body, headers });
    const text = await answer.text();
    expect([body, answer.status]).toEqual([body, 400]);
    expect(text).not.toContain('secret');
    expect(JSON.parse(text)).toMatchObject({ status: 400, title: 'Bad Request' });
  }
});

test.each([
  '{"__proto__": {"polluted": true}}',
  '{"a": {"__proto__": {"polluted": true}}}',
  '{"\\u005f_proto__": {"polluted": true}}',
  '{"constructor": {"prototype": {"polluted": true}}}',
])('a body that would pollute prototypes is refused: %s', async (body) => {
  const { url } = await bodies();
  const headers = { 'content-type': 'application/json' };
  const answer = await ask(`${url}/json`, { method: 'POST', body, headers });
  expect(answer.status).toBe(400);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('a query with __proto__ is a query like any other', async () => {
  const { url } = await listening({
    routes: [{ path: '/', handler: ({ query }) => Object.entries(query) }],
  });
  const answer = await ask(`${url}/?__proto__[polluted]=1&__proto__=2&constructor=3`);
  expect(await answer.json()).toEqual([
    ['__proto__[polluted]', '1'],
    ['__proto__', '2'],
    ['constructor', '3'],
  ]);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('a route of JSON answers 415 to any other content type, one of bytes takes them all', async () => {
  const { url } = await bodies();
  for (const type of [
    'text/plain',
    'application/xml',
    'nonsense',
    'application/x-www-form-urlencoded',
  ]) {
    const init = { method: 'POST', body: 'a=1', headers: { 'content-type': type } };
    expect([type, (await ask(`${url}/json`, init)).status]).toEqual([type, 415]);
  }
  const init = { method: 'POST', body: 'a=1', headers: { 'content-type': 'application/xml' } };
  expect(await (await ask(`${url}/bytes`, init)).json()).toEqual({ length: 3 });
});

test('what a handler leaves of a streamed body unread does not hold up the next request', async () => {
  const { port } = await listening({
    routes: [
      { path: '/', handler: () => 'next' },
      ...['untouched', 'opened', 'begun'].map((how) => ({
        method: 'POST' as const,
        path: `/${how}`,
        body: 'stream' as const,
        maxBodyBytes: 10_000_000,
        handler: async (request: { body: unknown }) => {
          if (how === 'untouched') return how;
          const body = request.body as AsyncIterable<Buffer>;
          if (how === 'begun') await body[Symbol.asyncIterator]().next();
          return how;
        },
      })),
    ],
  });
  const rest = chunk('x'.repeat(2_000_000));
  for (const how of ['untouched', 'opened', 'begun']) {
    const connection = await RawConnection.open(port);
    connection.send(`${head(`/${how}`, 'transfer-encoding: chunked')}${rest}0\r\n\r\n`);
    expect(await connection.answer()).toMatchObject({ status: 200, body: how });
    connection.send('GET / HTTP/1.1\r\nhost: test\r\n\r\n');
    expect(await connection.answer()).toMatchObject({ status: 200, body: 'next' });
    connection.leave();
  }
});

test('a body is invited only when its request may come in', async () => {
  const { port } = await listening({
    limiters: { one: { ratePerSecond: 0.001, capacity: 1 } },
    routes: ['/large', '/limited'].map((path) => ({
      method: 'POST' as const,
      path,
      maxBodyBytes: 10,
      ...(path === '/limited' ? { limiter: 'one' } : {}),
      handler: ({ body }: { body: unknown }) => body,
    })),
  });
  const expecting = (path: string, bytes: number): string =>
    head(path, `content-length: ${bytes}`, 'expect: 100-continue');
  const welcome = await RawConnection.open(port);
  expect((await welcome.send(expecting('/limited', 4)).answer()).status).toBe(100);
  expect(await welcome.send('1234').answer()).toMatchObject({ status: 200, body: '1234' });
  expect((await welcome.send(expecting('/limited', 4)).answer()).status).toBe(429);
  await welcome.closed;
  for (const [path, bytes, status] of [
    ['/large', 11, 413],
    ['/nowhere', 4, 404],
  ] as const) {
    const connection = await RawConnection.open(port);
    const answer = await connection.send(expecting(path, bytes)).answer();
    expect(answer).toMatchObject({ status, headers: { connection: 'close' } });
    await connection.closed;
  }
});

test('clients that are slow with their header or body are cut off with 408 while others are served', async () => {
  const { port, url, service } = await listening({
    server: { headersTimeoutMs: 200, requestTimeoutMs: 400 },
    pools: { io: { size: 1 } },
    routes: [
      { path: '/', handler: () => 'served' },
      { method: 'POST', path: '/json', pool: 'io', handler: () => 'read' },
      {
        method: 'POST',
        path: '/stream',
        body: 'stream',
        handler: async ({ body }) => lengthOf(body),
      },
    ],
  });
  const slow = await Promise.all([1, 2, 3].map(() => RawConnection.open(port)));
  slow[0]!.send('POST /json HTTP/1.1\r\nhost: te');
  slow[1]!.send(`${head('/json', 'content-length: 10')}123`);
  slow[2]!.send(`${head('/stream', 'content-length: 10')}123`);
  await until('two requests are under way', () => service.stats().activeRequests === 2);
  expect(service.pools.get('io')!.stats().active).toBe(0);
  expect((await ask(url)).status).toBe(200);
  const answers = await Promise.all(slow.map((connection) => connection.answer()));
  expect(answers.map(({ status }) => status)).toEqual([408, 408, 408]);
  await Promise.all(slow.map((connection) => connection.closed));
  const metrics = await metricsOf(url);
  for (const endpoint of ['/json', '/stream']) {
    expect(valueOf(metrics, 'http_requests_total', { endpoint, status: '408' })).toBe(1);
  }
  expect(service.stats().activeRequests).toBe(0);
  expect(service.pools.get('default')!.stats().active).toBe(0);
});

test('connections beyond maxConnections are closed as they come, until one is free again', async () => {
  const { port, service } = await listening({
    server: { maxConnections: 3 },
    routes: [{ path: '/', handler: () => 'served' }],
  });
  const request = 'GET / HTTP/1.1\r\nhost: test\r\n\r\n';
  const open = await Promise.all([1, 2, 3].map(() => RawConnection.open(port)));
  await until('three are open', () => service.stats().connections === 3);
  const tooMany = await RawConnection.open(port);
  await tooMany.send(request).closed;
  expect(tooMany.rest).toBe('');
  for (const connection of open) expect((await connection.send(request).answer()).status).toBe(200);
  open[0]!.leave();
  await until('one has left', () => service.stats().connections === 2);
  expect((await answerTo(port, request)).status).toBe(200);
});

test('an idle connection is closed after keepAliveTimeoutMs', async () => {
  const { port } = await listening({
    server: { keepAliveTimeoutMs: 50 },
    routes: [{ path: '/', handler: () => 'served' }],
  });
  const connection = await RawConnection.open(port);
  expect((await connection.send('GET / HTTP/1.1\r\nhost: test\r\n\r\n').answer()).status).toBe(200);
  await connection.closed;
});
