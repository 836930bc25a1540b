import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { proxying } from './support/proxying.ts';
import { RawConnection } from './support/raw-connection.ts';
import { targetServer } from './support/target.ts';
import { until } from './support/until.ts';

async function webSocketTarget(): Promise<{
  origin: string;
  server: WebSocketServer;
  protocols: unknown[];
}> {
  const http = createServer((_request, response) => response.writeHead(426).end());
  const protocols: unknown[] = [];
  const server = new WebSocketServer({ server: http });
  server.on('connection', (socket, request) => {
    protocols.push(request.headers['sec-websocket-protocol']);
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    http.close();
  });
  return { origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, server, protocols };
}

test('a WebSocket passes through, both ways, to its end', async () => {
  const target = await webSocketTarget();
  const { port, service } = await proxying([target.origin]);
  const client = new WebSocket(`ws://127.0.0.1:${port}/chat?room=1`, ['v1']);
  await once(client, 'open');
  expect(target.protocols).toEqual(['v1']);
  client.send('hello');
  expect(String((await once(client, 'message'))[0])).toBe('hello');
  const large = Buffer.alloc(3_000_000, 7);
  client.send(large);
  expect((await once(client, 'message'))[0]).toEqual(large);
  expect(service.stats().upstreams['u']?.admission.active).toBe(1);
  client.close(4001, 'done');
  expect((await once(client, 'close'))[0]).toBe(4001);
  await until('the lane is free', () => service.stats().upstreams['u']?.admission.active === 0);
  expect(target.server.clients.size).toBe(0);
});

test('a WebSocket ends for both when either side is cut', async () => {
  const target = await webSocketTarget();
  const { port } = await proxying([target.origin]);
  const first = new WebSocket(`ws://127.0.0.1:${port}/`);
  await once(first, 'open');
  for (const client of target.server.clients) client.terminate();
  await once(first, 'close');
  const second = new WebSocket(`ws://127.0.0.1:${port}/`);
  await once(second, 'open');
  second.terminate();
  await until('the target sees it', () => target.server.clients.size === 0);
  expect(first.readyState).toBe(WebSocket.CLOSED);
});

test('an upgrade that the target does not take is answered as what it said', async () => {
  const target = await targetServer((_request, response) => response.writeHead(403).end('not you'));
  const { port } = await proxying([target.origin]);
  const connection = await RawConnection.open(port);
  connection.send(
    'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
      'sec-websocket-key: x\r\nsec-websocket-version: 13\r\n\r\n',
  );
  const answer = await connection.answer();
  expect([answer.status, answer.body]).toEqual([403, 'not you']);
  await connection.closed;
});

test('an upgrade to another protocol is a request like any other', async () => {
  const target = await targetServer((request, response) => {
    response.end(JSON.stringify([request.headers.upgrade, request.headers['http2-settings']]));
  });
  const { port } = await proxying([target.origin]);
  const connection = await RawConnection.open(port);
  connection.send(
    'GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n',
  );
  expect((await connection.answer()).body).toBe('[null,null]');
});

test('a limiter refuses an upgrade as it does any request', async () => {
  const target = await webSocketTarget();
  const { port } = await proxying([], {
    config: {
      limiters: { few: { ratePerSecond: 0.001, capacity: 1 } },
      upstreams: { u: { targets: [target.origin] } },
      routes: [{ path: '/*', upstream: 'u', limiter: 'few' }],
    },
  });
  const first = new WebSocket(`ws://127.0.0.1:${port}/`);
  await once(first, 'open');
  const second = new WebSocket(`ws://127.0.0.1:${port}/`);
  const [error] = (await once(second, 'error')) as [Error];
  expect(error.message).toContain('429');
  first.terminate();
});

test('a stop of the service ends a WebSocket, and does not wait for it', async () => {
  const target = await webSocketTarget();
  const { port, service } = await proxying([target.origin]);
  const client = new WebSocket(`ws://127.0.0.1:${port}/`);
  await once(client, 'open');
  const closed = once(client, 'close');
  const report = await service.stop();
  await closed;
  expect(report.cut).toBe(0);
  expect(report.durationMs).toBeLessThan(10_000);
});

test('server-sent events come one by one, beyond the time limit of the route', async () => {
  let send: (text: string) => void = () => undefined;
  let gone = false;
  const target = await targetServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    send = (text) => void response.write(`data: ${text}\n\n`);
    request.socket.on('close', () => (gone = true));
  });
  const { url } = await proxying([target.origin], { route: { timeoutMs: 100 } });
  const leave = new AbortController();
  const answer = await fetch(url, {
    headers: { accept: 'text/event-stream' },
    signal: leave.signal,
  });
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (const text of ['one', 'two', 'three']) {
    send(text);
    expect((await reader.read()).value).toBe(`data: ${text}\n\n`);
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  leave.abort();
  await until('the target sees that the client has left', () => gone);
});

test('a stream whose answer does not begin in time is ended', async () => {
  const target = await targetServer(() => undefined);
  const { url } = await proxying([target.origin], { route: { timeoutMs: 50 } });
  const answer = await fetch(url, {
    headers: { accept: 'text/event-stream', connection: 'close' },
  });
  expect(answer.status).toBe(504);
});

test('a client that reads slowly holds the target up, and one that writes fast is held up by it', async () => {
  let written = 0;
  let finished = false;
  const chunk = Buffer.alloc(65_536);
  const target = await targetServer((_request, response) => {
    response.writeHead(200, { 'content-length': String(chunk.length * 2000) });
    const more = (): void => {
      while (written < 2000) {
        written++;
        if (!response.write(chunk)) {
          response.once('drain', more);
          return;
        }
      }
      finished = true;
      response.end();
    };
    more();
  });
  const { port } = await proxying([target.origin], { route: { timeoutMs: 60_000 } });
  const connection = await RawConnection.open(port);
  connection.pause().send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await until('the target is held up', async () => {
    const before = written;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return before > 0 && written === before;
  });
  expect(finished).toBe(false);
  // What is on its way fits into buffers of sockets and streams, far below the 131 MB.
  expect(written * chunk.length).toBeLessThan(30_000_000);
  connection.resume();
  await until('all of it has come', () => finished);
});
