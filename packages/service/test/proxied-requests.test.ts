import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

import { expect, onTestFinished, test } from 'vitest';

import { listening } from './support/listening.ts';
import { answerTo } from './support/raw-connection.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A target that keeps every byte that it is sent, and answers each request when it has come as far as `end`. */
async function target(end: string) {
  const sockets = new Set<Socket>();
  const wire = { text: '' };
  const server = createServer((socket) => {
    sockets.add(socket);
    let unread = '';
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      const text = bytes.toString('latin1');
      wire.text += text;
      unread += text;
      for (; unread.includes(end); unread = unread.slice(unread.indexOf(end) + end.length)) {
        socket.write(ANSWER);
      }
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, wire };
}

async function gateway(end = '\r\n\r\n') {
  const { port: targetPort, wire } = await target(end);
  const { port } = await listening({
    upstreams: { u: { targets: [`http://127.0.0.1:${targetPort}`], retry: false } },
    routes: [
      { path: '/files/:name', upstream: 'u', rewrite: '/v2/:name' },
      { path: '/*', upstream: 'u' },
    ],
  });
  return { port, wire, targetPort };
}

/** Lines of a header, sorted, without those that differ from run to run. */
function linesOf(text: string): readonly string[] {
  return text
    .split('\r\n')
    .filter((line) => line !== '' && !/^x-request-(?:id|deadline-ms):/.test(line))
    .sort();
}

test('a target sees one request for each, framed anew, whatever odd but right form it came in', async () => {
  const { port, wire } = await gateway('0\r\n\r\n');
  const head = 'Host: a\r\nTRANSFER-ENCODING: Chunked\r\nConnection: keep-alive\r\n';
  const body = '00002;ext=GET\r\n{}\r\n0\r\nX-Trailer: GET /hidden HTTP/1.1\r\n\r\n';
  const bytes = `POST /a HTTP/1.1\r\n${head}\r\n${body}`;
  expect((await answerTo(port, bytes)).status).toBe(200);
  expect(wire.text.split('\r\n\r\n')[1]).toBe('2\r\n{}\r\n0');
  expect(wire.text).not.toMatch(/ext|hidden/);
  expect(wire.text.match(/HTTP\/1\.1\r\n/g)).toHaveLength(1);
});

test('a target is told who asks, and no client can have that taken out or made up', async () => {
  const { port, wire, targetPort } = await gateway();
  const bytes = [
    'GET /a?b=%0d%0aX:%20y HTTP/1.1',
    'Host: shop.example',
    'Connection: close, X-Forwarded-For, Forwarded, Via, Host, X-Secret',
    'X-Forwarded-For: 203.0.113.9',
    'Forwarded: for=203.0.113.9',
    'X-Secret: 1',
    'Keep-Alive: timeout=5',
    'Proxy-Authorization: Basic eA==',
    'X-Kept: 1',
  ];
  expect((await answerTo(port, `${bytes.join('\r\n')}\r\n\r\n`)).status).toBe(200);
  expect(linesOf(wire.text)).toEqual(
    [
      'GET /a?b=%0d%0aX:%20y HTTP/1.1',
      `host: 127.0.0.1:${targetPort}`,
      'connection: keep-alive',
      'x-kept: 1',
      'x-forwarded-for: 127.0.0.1',
      'x-forwarded-host: shop.example',
      'x-forwarded-proto: http',
      'forwarded: for=127.0.0.1;host=shop.example;proto=http',
      'via: 1.1 sluice',
    ].sort(),
  );
});

test('a parameter stays in its segment, escapes and all', async () => {
  const { port, wire } = await gateway();
  const name = 'a%2F..%2Fadmin%3Fx%23%0d%0a';
  for (const [path, status, line] of [
    ['/files/a%2Fadmin%3Fx%23%0d%0a?q', 200, 'GET /v2/a%2Fadmin%3Fx%23%0d%0a?q HTTP/1.1'],
    [`/files/${name}`, 400, ''],
    ['/files/%2e%2e', 400, ''],
    ['/x/../admin', 400, ''],
    ['//evil.example/x', 400, ''],
  ] as const) {
    wire.text = '';
    const bytes = `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
    const answer = await answerTo(port, bytes);
    expect([path, answer.status]).toEqual([path, status]);
    expect(wire.text.split('\r\n')[0]).toBe(line);
  }
});

test('no target hears of a request that can be read in two ways, nor of what came behind it', async () => {
  const { port, wire } = await gateway();
  for (const bytes of [
    'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST /a HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  ]) {
    const next = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n';
    expect((await answerTo(port, bytes + next)).status).toBe(400);
  }
  expect((await answerTo(port, 'GET /seen HTTP/1.1\r\nHost: a\r\n\r\n')).status).toBe(200);
  expect(wire.text).toContain('/seen');
  expect(wire.text).not.toMatch(/hidden|\/a /);
});
