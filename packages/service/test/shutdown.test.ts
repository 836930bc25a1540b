import { connect } from 'node:net';

import { expect, test } from 'vitest';

import { folderWith } from './support/folder.ts';
import { RawConnection } from './support/raw-connection.ts';
import { serve, type Serving } from './support/service-process.ts';
import { until } from './support/until.ts';

const HANDLERS = `
let finish = [];
export const slow = () => new Promise((resolve) => finish.push(resolve));
export const release = () => { for (const resolve of finish.splice(0)) resolve('done'); return 'released'; };
export const quick = () => 'quick';
export const upload = ({ body }) => body.length;
export const stream = () => new ReadableStream({
  start(controller) {
    controller.enqueue(Buffer.from('begin, '));
    finish.push(() => { controller.enqueue(Buffer.from('end')); controller.close(); });
  },
});
export const never = () => { setInterval(() => {}, 1000); return new Promise(() => {}); };
`;

async function serving(shutdown = '{ timeoutMs: 20000 }'): Promise<Serving> {
  const config = `
server: { host: 127.0.0.1, port: 0 }
routes:
  - { path: /slow, handler: ./handlers.js#slow, timeoutMs: 30000 }
  - { path: /stream, handler: ./handlers.js#stream }
  - { path: /release, handler: ./handlers.js#release }
  - { path: /quick, handler: ./handlers.js#quick }
  - { path: /never, handler: ./handlers.js#never, timeoutMs: 30000 }
  - { method: POST, path: /upload, handler: ./handlers.js#upload, body: bytes }
shutdown: ${shutdown}
`;
  const cwd = await folderWith({ 'handlers.js': HANDLERS, 'sluice.yaml': config });
  return serve(['sluice.yaml'], { cwd });
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`;

/** Resolves when nobody listens on the port any more. */
const listenerIsClosed = (port: number): Promise<void> =>
  until(
    'the listener is closed',
    () =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1');
        socket.on('error', () => resolve(true));
        socket.on('connect', () => {
          socket.destroy();
          resolve(false);
        });
      }),
  );

/** A connection whose request is being worked on. */
async function working(port: number, path: string): Promise<RawConnection> {
  const connection = (await RawConnection.open(port)).send(get(path));
  const watcher = await RawConnection.open(port);
  await until(`${path} is worked on`, async () => {
    const { body } = await watcher.send(get('/stats')).answer();
    return (JSON.parse(body) as { activeRequests: number }).activeRequests === 2;
  });
  watcher.leave();
  return connection;
}

test('a request that comes on an open connection after the listener was closed is answered', async () => {
  const { process, port } = await serving();
  const idle = await RawConnection.open(port);
  const slow = await working(port, '/slow');
  process.signal('SIGTERM');
  await listenerIsClosed(port);
  const answer = await idle.send(get('/release')).answer();
  expect(answer).toMatchObject({ status: 200, body: 'released', headers: { connection: 'close' } });
  expect(await slow.answer()).toMatchObject({ status: 200, body: 'done' });
  await Promise.all([idle.closed, slow.closed]);
  expect(await process.ended).toMatchObject({ code: 0, signal: null });
});

test('requests that were sent ahead on one connection are all answered, and the last answer ends it', async () => {
  const { process, port } = await serving();
  const ahead = await working(port, '/slow');
  ahead.send(get('/slow') + get('/quick'));
  const other = await RawConnection.open(port);
  await until('all three are worked on', async () => {
    const { body } = await other.send(get('/stats')).answer();
    return (JSON.parse(body) as { activeRequests: number }).activeRequests === 4;
  });
  process.signal('SIGTERM');
  await listenerIsClosed(port);
  ahead.send(get('/quick') + get('/release'));
  const answers = [];
  for (let i = 0; i < 5; i++) answers.push(await ahead.answer());
  const ends = answers.map(({ body, headers }) => [body, headers['connection'] === 'close']);
  expect(ends).toEqual([
    ['done', false],
    ['done', false],
    ['quick', false],
    ['quick', false],
    ['released', true],
  ]);
  expect((await process.ended).code).toBe(0);
});

test('an answer that streams is sent to its end, and its connection may bring one more request', async () => {
  const { process, port } = await serving();
  const streaming = (await RawConnection.open(port)).send(get('/stream'));
  await until('the stream has begun', () => streaming.rest.includes('begin'));
  const idle = await RawConnection.open(port);
  process.signal('SIGTERM');
  await listenerIsClosed(port);
  expect((await idle.send(get('/release')).answer()).status).toBe(200);
  expect(await streaming.answer()).toMatchObject({ status: 200, body: 'begin, end' });
  expect(await streaming.send(get('/quick')).answer()).toMatchObject({
    body: 'quick',
    headers: { connection: 'close' },
  });
  expect((await process.ended).code).toBe(0);
  expect(process.log.at(-1)).toMatchObject({ endedEarly: 0, cut: 0 });
});

test('an upload that is under way at the signal is taken and answered', async () => {
  const { process, port } = await serving();
  const upload = await RawConnection.open(port);
  upload.send('POST /upload HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\n12345');
  const watcher = await RawConnection.open(port);
  await until('it is under way', async () => {
    const { body } = await watcher.send(get('/stats')).answer();
    return (JSON.parse(body) as { activeRequests: number }).activeRequests === 2;
  });
  process.signal('SIGTERM');
  await listenerIsClosed(port);
  expect(await upload.send('67890').answer()).toMatchObject({ status: 200, body: '10' });
  expect((await process.ended).code).toBe(0);
});

test('idle connections, which would be kept for 72 seconds, hold up the end only for a moment', async () => {
  const { process, port } = await serving();
  const idle = await Promise.all(Array.from({ length: 50 }, () => RawConnection.open(port)));
  for (const connection of idle)
    expect((await connection.send(get('/quick')).answer()).status).toBe(200);
  process.signal('SIGTERM');
  expect((await process.ended).code).toBe(0);
  const { durationMs } = process.log.at(-1) as { durationMs: number };
  expect(durationMs).toBeLessThan(5000);
});

test('a handler that never ends is answered 504 in time, and keeps no process alive', async () => {
  const { process, port } = await serving('{ timeoutMs: 1200 }');
  const hung = await working(port, '/never');
  process.signal('SIGTERM');
  const answer = await hung.answer();
  expect(answer).toMatchObject({ status: 504, headers: { connection: 'close' } });
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'SLUICE_TIMEOUT' });
  expect(await process.ended).toMatchObject({ code: 0, signal: null });
  expect(process.log).toContainEqual(
    expect.objectContaining({ msg: 'stopped', endedEarly: 1, cut: 0 }),
  );
  expect(process.log.at(-1)).toMatchObject({
    level: 40,
    msg: 'ending, although a handler has left something running',
  });
});

test.each([
  ['SIGTERM', 'SIGTERM'],
  ['SIGINT', 'SIGINT'],
  ['SIGTERM', 'SIGINT'],
] as const)('%s, and then %s, end at once with exit code 1', async (first, second) => {
  const { process, port } = await serving();
  const slow = await working(port, '/slow');
  process.signal(first);
  await until('it drains', () => process.stderr.includes('Once more ends at once.'));
  expect(process.hasEnded).toBe(false);
  // Again until it counts: two signals within a tenth of a second are taken for one.
  await until('it has ended', () => {
    process.signal(second);
    return process.hasEnded;
  });
  expect(await process.ended).toMatchObject({ code: 1, signal: null });
  await slow.closed;
});

test('an idle service ends on a signal with exit code 0, and says what it did', async () => {
  const { process } = await serving();
  process.signal('SIGINT');
  expect(await process.ended).toMatchObject({ code: 0, signal: null });
  expect(process.stderr).toContain('Stopping: finishing what was accepted.');
  expect(process.log).toMatchObject([
    { level: 30, msg: expect.stringMatching(/^draining/) as string },
    { level: 30, msg: 'stopped', endedEarly: 0, cut: 0 },
  ]);
});

test('a Ctrl-C that npm and the terminal both hand on is one signal', async () => {
  const { process, port } = await serving();
  const slow = await working(port, '/slow');
  process.signal('SIGINT');
  process.signal('SIGINT');
  await until('it drains', () => process.stderr.includes('Once more ends at once.'));
  expect(process.hasEnded).toBe(false);
  process.signal('SIGKILL');
  await slow.closed;
});
