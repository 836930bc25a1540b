import { Readable } from 'node:stream';

import { expect, test } from 'vitest';

import { HttpError, type Handler } from '../src/index.ts';
import { ask } from './support/ask.ts';
import { listening } from './support/listening.ts';
import { metricsOf, valueOf } from './support/metrics.ts';
import { RawConnection } from './support/raw-connection.ts';

const JSON_TYPE = 'application/json; charset=utf-8';
const TEXT_TYPE = 'text/plain; charset=utf-8';
const BYTES_TYPE = 'application/octet-stream';

const circular: Record<string, unknown> = {};
circular['self'] = circular;

async function* parts(): AsyncGenerator<string> {
  yield 'one ';
  yield 'two';
}

/** What a handler returns, and the status, type and body of the answer to it. */
const VALUES: Readonly<Record<string, readonly [unknown, number, string | null, string]>> = {
  undefined: [undefined, 204, null, ''],
  null: [null, 200, JSON_TYPE, 'null'],
  'a number': [42, 200, JSON_TYPE, '42'],
  false: [false, 200, JSON_TYPE, 'false'],
  'a text': ['grüße', 200, TEXT_TYPE, 'grüße'],
  'an empty text': ['', 200, TEXT_TYPE, ''],
  'an object': [{ a: [1] }, 200, JSON_TYPE, '{"a":[1]}'],
  'a date': [new Date(0), 200, JSON_TYPE, '"1970-01-01T00:00:00.000Z"'],
  'an object with toJSON': [{ toJSON: () => 'itself' }, 200, JSON_TYPE, '"itself"'],
  'a Buffer': [Buffer.from('bytes'), 200, BYTES_TYPE, 'bytes'],
  'a part of an array': [new Uint8Array([65, 66, 67, 68]).subarray(1, 3), 200, BYTES_TYPE, 'BC'],
  'a Node stream': [() => Readable.from(parts()), 200, null, 'one two'],
  'a web stream': [() => new Blob(['web']).stream(), 200, null, 'web'],
};

test.each(Object.entries(VALUES))(
  'a handler that returns %s is answered so',
  async (_, [value, status, type, body]) => {
    const handler: Handler = () =>
      typeof value === 'function' ? (value as () => unknown)() : value;
    const { url, log } = await listening({ routes: [{ path: '/', handler }] });
    const answer = await ask(url);
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      status,
      type,
      body,
    ]);
    expect(log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  },
);

/** What a handler returns that cannot be sent. */
const UNSENDABLE: Readonly<Record<string, () => unknown>> = {
  'a BigInt': () => 1n,
  'an object that holds itself': () => circular,
  'an object whose toJSON throws': () => ({
    toJSON: () => {
      throw new Error('no secret shall leave /srv/app');
    },
  }),
  'an object whose toJSON gives nothing': () => ({ toJSON: () => undefined }),
  'a function': () => () => 'called by nobody',
  'a symbol': () => Symbol('none'),
  'a stream that fails at once': () =>
    new Readable({
      read() {
        this.destroy(new Error('no secret shall leave /srv/app'));
      },
    }),
  'a stream that was destroyed': () => Readable.from(['gone']).destroy(),
  'a web stream that somebody reads': () => {
    const stream = new Blob(['taken']).stream();
    stream.getReader();
    return stream;
  },
  'a promise whose then throws': () => ({
    // oxlint-disable-next-line unicorn/no-thenable
    then: () => {
      throw new Error('no secret shall leave /srv/app');
    },
  }),
};

/** What a handler throws, of its own making. */
const revoked = Proxy.revocable({}, {});
revoked.revoke();
const THROWN: Readonly<Record<string, unknown>> = {
  'an error': new Error('no secret shall leave /srv/app'),
  undefined,
  null: null,
  'a text': 'no secret shall leave /srv/app',
  'an object whose status throws': {
    get statusCode(): number {
      throw new Error('no secret shall leave /srv/app');
    },
  },
  'an error that cannot be logged': Object.defineProperty(new Error('bad'), 'detail', {
    enumerable: true,
    get: () => {
      throw new Error('no secret shall leave /srv/app');
    },
  }),
  'a proxy that was revoked': revoked.proxy,
  'an error whose status is nonsense': Object.assign(new Error('bad'), { statusCode: '404' }),
  'an error with a status below 400': Object.assign(new Error('bad'), { statusCode: 200 }),
};

const thrower = (thrown: unknown) => (): never => {
  throw thrown;
};

test.each([
  ...Object.entries(UNSENDABLE).map(([what, handler]) => [`returns ${what}`, handler] as const),
  ...Object.entries(THROWN).map(([what, thrown]) => [`throws ${what}`, thrower(thrown)] as const),
  ...Object.entries(THROWN).map(
    ([what, thrown]) => [`rejects with ${what}`, async () => thrower(thrown)()] as const,
  ),
])('a handler that %s is answered 500, once, and logged', async (_, handler) => {
  const { url, log, service } = await listening({ routes: [{ path: '/', handler }] });
  const answer = await ask(url);
  const text = await answer.text();
  expect(answer.status).toBe(500);
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(text).not.toMatch(/secret|\/srv|\bat /);
  const { requestId, ...problem } = JSON.parse(text) as Record<string, unknown>;
  expect(problem).toEqual({
    type: 'about:blank',
    title: 'Internal Server Error',
    status: 500,
    detail: 'The request failed inside the service.',
  });
  const failures = log.filter(({ level }) => Number(level) >= 50);
  expect(failures).toEqual([expect.objectContaining({ requestId, level: 50 })]);
  expect(failures[0]!['msg']).toMatch(/^the handler failed/);
  expect(service.stats().activeRequests).toBe(0);
});

test('the words of an HttpError reach the client; those of a failure stay in the log', async () => {
  const { url, log } = await listening({
    routes: [
      { path: '/gone', handler: thrower(new HttpError(410, 'The order was deleted.')) },
      { path: '/busy', handler: thrower(new HttpError(503, 'Closed on Sundays.')) },
      {
        path: '/upstream',
        handler: thrower(Object.assign(new Error('10.0.0.7 is down'), { statusCode: 502 })),
      },
    ],
  });
  const gone = await ask(`${url}/gone`);
  expect(await gone.json()).toMatchObject({
    status: 410,
    title: 'Gone',
    detail: 'The order was deleted.',
  });
  const busy = await ask(`${url}/busy`);
  expect([busy.status, busy.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await busy.json()).toMatchObject({ detail: 'Closed on Sundays.' });
  const upstream = await ask(`${url}/upstream`);
  expect(upstream.status).toBe(502);
  expect(await upstream.text()).not.toContain('10.0.0.7');
  const failures = log.filter(({ level }) => Number(level) >= 50);
  expect(failures).toMatchObject([{ err: { message: '10.0.0.7 is down' } }]);
});

test.each([
  ['a Node stream', () => Readable.from(broken())],
  ['a web stream', () => ReadableStream.from(broken())],
])(
  '%s that fails half-way cuts the connection, and is logged and counted as 500',
  async (_, stream) => {
    const { port, url, log } = await listening({ routes: [{ path: '/', handler: stream }] });
    const connection = await RawConnection.open(port);
    await connection.send('GET / HTTP/1.1\r\nhost: test\r\n\r\n').closed;
    expect(connection.rest).toContain('the first half');
    // The last chunk, which says that it is whole, never came.
    expect(connection.rest).not.toContain('0\r\n\r\n');
    const metrics = await metricsOf(url);
    expect(valueOf(metrics, 'http_requests_total', { endpoint: '/', status: '500' })).toBe(1);
    expect(log.filter(({ level }) => Number(level) >= 50)).toMatchObject([
      { msg: 'an answer broke off: its stream failed', err: { message: 'the disk is gone' } },
    ]);
  },
);

async function* broken(): AsyncGenerator<Buffer> {
  yield Buffer.from('the first half');
  await new Promise((resolve) => setImmediate(resolve));
  throw new Error('the disk is gone');
}

test('successStatus is the status of what a handler returns, but for nothing, which is 204', async () => {
  const handler: Handler = ({ query }) => (query['nothing'] ? undefined : { made: true });
  const { url } = await listening({
    routes: [{ method: 'POST', path: '/', successStatus: 201, handler }],
  });
  expect((await ask(url, { method: 'POST' })).status).toBe(201);
  expect((await ask(`${url}/?nothing=1`, { method: 'POST' })).status).toBe(204);
});

test('a handler is told everything about its request', async () => {
  const { url } = await listening({
    routes: [
      {
        method: 'PUT',
        path: '/orders/:id',
        options: { shelf: 3 },
        timeoutMs: 5000,
        handler: ({
          method,
          path,
          params,
          query,
          headers,
          body,
          options,
          deadlineMs,
          waitedMs,
        }) => ({
          method,
          path,
          params,
          query,
          body,
          options,
          header: headers['x-mine'],
          hasTime: deadlineMs > 0 && deadlineMs <= 5000,
          waited: waitedMs >= 0 && waitedMs < 5000,
        }),
      },
    ],
  });
  const headers = { 'content-type': 'application/json', 'x-mine': 'yes' };
  const init = { method: 'PUT', body: '{"item":"lamp"}', headers };
  expect(await (await ask(`${url}/orders/a%20b?a=1&a=2&b=`, init)).json()).toEqual({
    method: 'PUT',
    path: '/orders/a%20b',
    params: { id: 'a b' },
    query: { a: ['1', '2'], b: '' },
    body: { item: 'lamp' },
    options: { shelf: 3 },
    header: 'yes',
    hasTime: true,
    waited: true,
  });
});
