import { once } from 'node:events';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';

import { expect, onTestFinished, test } from 'vitest';

import { ask } from './support/ask.ts';
import { proxying } from './support/proxying.ts';
import { answerTo, RawConnection } from './support/raw-connection.ts';
import { targetServer } from './support/target.ts';
import { until } from './support/until.ts';

/** A target that answers every head with these bytes. */
async function rawTarget(answer: (socket: Socket) => void): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => answer(socket));
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

const UPGRADE =
  'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\nsec-websocket-version: 13\r\n';

const LARGE = Buffer.alloc(20_000_000, 'x');

test('an upgrade that is sent ahead waits until the answer before it is out', async () => {
  const target = await targetServer((request, response) => {
    setTimeout(() => response.end(request.url), request.url === '/slow' ? 30 : 0);
  });
  const { port } = await proxying([target.origin]);
  const connection = await RawConnection.open(port);
  connection.send(
    `GET /slow HTTP/1.1\r\nhost: a\r\n\r\nGET /chat HTTP/1.1\r\nhost: a\r\n${UPGRADE}\r\n`,
  );
  expect((await connection.answer()).body).toBe('/slow');
  expect((await connection.answer()).body).toBe('/chat');
});

test('an upgrade with a body is a request like any other', async () => {
  const target = await targetServer((request, response) => {
    response.end(String(request.headers.upgrade));
  });
  const { port, service } = await proxying([target.origin]);
  const head = `GET / HTTP/1.1\r\nhost: a\r\n${UPGRADE}content-length: 5\r\n\r\nhello`;
  expect((await answerTo(port, head)).status).toBeLessThan(500);
  expect(service.stats().upstreams['u']?.targets[0]?.failed).toBe(0);
});

test('a client that leaves before its upgrade is answered ends it at the target', async () => {
  let gone = false;
  const target = await targetServer(() => undefined);
  const { port, service } = await proxying([target.origin]);
  const connection = await RawConnection.open(port);
  connection.send(`GET / HTTP/1.1\r\nhost: a\r\n${UPGRADE}\r\n`);
  await until('the target has it', () => target.requests.length === 1 || target.sockets.size > 0);
  for (const socket of target.sockets) socket.on('close', () => (gone = true)).resume();
  connection.endWriting();
  await until('the target sees the end', () => gone);
  await until('the lane is free', () => service.stats().upstreams['u']?.admission.active === 0);
  expect(service.stats().upstreams['u']?.targets[0]?.failed).toBe(0);
});

test.each([
  { what: 'a reason phrase that is no Latin-1', line: 'HTTP/1.1 200 \u041e\u041a', status: 200 },
  {
    what: 'a 304 that announces trailers',
    line: 'HTTP/1.1 304 Not Modified\r\ntrailer: x',
    status: 304,
  },
  {
    what: 'a 204 that announces trailers',
    line: 'HTTP/1.1 204 No Content\r\ntrailer: x',
    status: 204,
  },
])('$what is passed on all the same', async ({ line, status }) => {
  const length = status === 200 ? 'content-length: 0\r\n' : '';
  const origin = await rawTarget((socket) => socket.write(`${line}\r\n${length}\r\n`));
  const { port } = await proxying([origin]);
  const connection = await RawConnection.open(port);
  for (let i = 0; i < 2; i++) {
    connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    expect((await connection.answer()).status).toBe(status);
  }
});

test('a HEAD whose last try is answered 503 is answered so, and the connection goes on', async () => {
  const target = await targetServer((request, response) => {
    if (request.method === 'HEAD') response.writeHead(503, { 'content-length': '10' }).end();
    else response.end('ok');
  });
  const { port, service } = await proxying([target.origin], {
    upstream: { breaker: false, ejection: false },
  });
  const connection = await RawConnection.open(port);
  connection.send('HEAD / HTTP/1.1\r\nhost: a\r\n\r\n');
  expect((await connection.answer({ toHead: true })).status).toBe(503);
  connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  expect((await connection.answer()).body).toBe('ok');
  await until('nothing is under way', () => service.stats().upstreams['u']?.admission.active === 0);
});

test.each([10, 50_000, 300_000])(
  'a last answer of %i bytes with 503 comes whole',
  async (bytes) => {
    const target = await targetServer((_request, response) =>
      response.writeHead(503).end('y'.repeat(bytes)),
    );
    const { url } = await proxying([target.origin], {
      upstream: { breaker: false, ejection: false },
    });
    const answer = await ask(url);
    expect([answer.status, (await answer.text()).length]).toEqual([503, bytes]);
  },
);

test('with one connection to one target a 503 is tried again all the same', async () => {
  const target = await targetServer((_request, response) => {
    if (target.requests.length === 1) response.writeHead(503).end('no');
    else response.end('yes');
  });
  const { url } = await proxying([target.origin], { upstream: { connections: 1, pending: 0 } });
  expect(await (await ask(url)).text()).toBe('yes');
});

test('an answer that nobody wants any more does not hold up those who wait', async () => {
  const dripping = await targetServer((_request, response) => {
    response.writeHead(503);
    const timer = setInterval(() => response.write('z'), 20);
    response.on('close', () => clearInterval(timer));
  });
  const good = await targetServer((_request, response) => response.end('good'));
  const { url, service } = await proxying([dripping.origin, good.origin], {
    upstream: { breaker: false, ejection: false },
  });
  for (let i = 0; i < 6; i++) expect(await (await ask(url)).text()).toBe('good');
  await until('the lanes are free', () => service.stats().upstreams['u']?.admission.active === 0);
  await until('nothing is under way', () => {
    return service.stats().upstreams['u']!.targets.every(({ inFlight }) => inFlight === 0);
  });
});

test('a client that takes nothing more of its answer is let go of, also at its very end', async () => {
  const target = await targetServer((_request, response) => response.end(LARGE));
  const { port, service } = await proxying([target.origin], {
    upstream: { idleTimeoutMs: 200 },
    route: { timeoutMs: 60_000 },
  });
  const connection = await RawConnection.open(port);
  connection.pause().send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await until('it is under way', () => service.stats().activeRequests === 1);
  await until('it is ended', () => service.stats().activeRequests === 0);
  expect(service.stats().upstreams['u']?.targets[0]).toMatchObject({ failed: 0, inFlight: 0 });
});

test('a client that reads slowly, but goes on, gets the whole answer', async () => {
  const target = await targetServer((_request, response) => response.end(LARGE));
  const { port } = await proxying([target.origin], {
    upstream: { bodyTimeoutMs: 500, idleTimeoutMs: 2000 },
    route: { timeoutMs: 60_000 },
  });
  const client = connect(port, '127.0.0.1');
  onTestFinished(() => void client.destroy());
  let bytes = 0;
  client.on('data', (chunk) => (bytes += chunk.length));
  client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  while (bytes < LARGE.length && !client.closed) {
    client.pause();
    await new Promise((resolve) => setTimeout(resolve, 40));
    client.resume();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(bytes).toBeGreaterThan(LARGE.length);
});

test('a large answer that waits behind a slow one comes whole', async () => {
  const target = await targetServer((request, response) => {
    if (request.url === '/slow') setTimeout(() => response.end('slow'), 400);
    else response.end('x'.repeat(300_000));
  });
  const { port } = await proxying([target.origin], { upstream: { idleTimeoutMs: 100 } });
  const connection = await RawConnection.open(port);
  connection.send('GET /slow HTTP/1.1\r\nhost: a\r\n\r\nGET /large HTTP/1.1\r\nhost: a\r\n\r\n');
  expect((await connection.answer()).body).toBe('slow');
  expect((await connection.answer()).body).toHaveLength(300_000);
});

test('a client that stops within its upload is told so, and no target is blamed', async () => {
  const target = await targetServer((request, response) => {
    request.resume().on('end', () => response.end('ok'));
  });
  const { port, service } = await proxying([target.origin], { upstream: { bodyTimeoutMs: 60 } });
  const head = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc';
  expect((await answerTo(port, head)).status).toBe(408);
  await until('nothing is under way', () => service.stats().upstreams['u']?.admission.active === 0);
  expect(service.stats().upstreams['u']?.targets[0]?.failed).toBe(0);
});

test('a slow upload that ends with the time of the route speaks against no target', async () => {
  const target = await targetServer((request) => request.resume());
  const { port, service } = await proxying([target.origin], { route: { timeoutMs: 80 } });
  const head = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc';
  expect((await answerTo(port, head)).status).toBe(504);
  await until('nothing is under way', () => service.stats().upstreams['u']?.admission.active === 0);
  expect(service.stats().upstreams['u']?.targets[0]?.failed).toBe(0);
});

test('a target that hangs is blamed, however short the time of the route', async () => {
  const target = await targetServer(() => undefined);
  const { url, service } = await proxying([target.origin], {
    upstream: { retry: false },
    route: { timeoutMs: 60 },
  });
  expect((await ask(url)).status).toBe(504);
  await until('it is counted', () => service.stats().upstreams['u']?.targets[0]?.failed === 1);
});

test('a type that is no type, and a body where none is usual, are passed on as they came', async () => {
  const target = await targetServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () =>
      response.end(`${request.method} ${request.headers['content-type']} ${text}`),
    );
  });
  const { port } = await proxying([target.origin]);
  const odd = 'host: a\r\ncontent-type: foo\r\ncontent-length: 4\r\n\r\nbody';
  expect((await answerTo(port, `POST / HTTP/1.1\r\n${odd}`)).body).toBe('POST foo body');
  expect((await answerTo(port, `GET / HTTP/1.1\r\n${odd}`)).body).toBe('GET foo body');
  const waiting = await RawConnection.open(port);
  waiting.send('GET / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n');
  expect((await waiting.answer()).status).toBe(100);
  waiting.send('body');
  expect((await waiting.answer()).body).toBe('GET undefined body');
});

test('who waits for room gets it when a hedge or an old request is gone', async () => {
  const target = await targetServer((_request, response) => {
    setTimeout(() => response.end('ok'), 10);
  });
  const { url } = await proxying([target.origin, target.origin.replace('127.0.0.1', 'localhost')], {
    upstream: { connections: 1, hedge: { delayMs: 1, budgetRatio: 1 }, pending: 100 },
  });
  const answers = await Promise.all(Array.from({ length: 30 }, () => ask(url)));
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 30 }, () => 200));
});

test('an upgrade that is sent ahead of a large answer’s end keeps nothing of it back', async () => {
  const target = await targetServer((request, response) => {
    response.end(request.url === '/large' ? 'x'.repeat(5_000_000) : 'no upgrade here');
  });
  const { port } = await proxying([target.origin]);
  const connection = await RawConnection.open(port);
  connection.send(
    `GET /large HTTP/1.1\r\nhost: a\r\n\r\nGET /chat HTTP/1.1\r\nhost: a\r\n${UPGRADE}\r\n`,
  );
  expect((await connection.answer()).body).toHaveLength(5_000_000);
  expect((await connection.answer()).body).toBe('no upgrade here');
});

test('an upload to a target that does not connect is the target’s failure', async () => {
  // It accepts, and never speaks of TLS.
  const origin = await rawTarget(() => undefined);
  const { url, service } = await proxying([origin.replace('http:', 'https:')], {
    upstream: { bodyTimeoutMs: 50, connectTimeoutMs: 300, retry: false },
  });
  expect((await ask(url, { method: 'POST', body: 'some' })).status).toBe(502);
  expect(service.stats().upstreams['u']?.targets[0]).toMatchObject({ failed: 1, ignored: 0 });
});
