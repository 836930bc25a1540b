import { createServer as createHttpsServer } from 'node:https';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';

import { generate } from 'selfsigned';
import { expect, onTestFinished, test } from 'vitest';

import { ask } from './support/ask.ts';
import { folderWith } from './support/folder.ts';
import { proxying } from './support/proxying.ts';
import { RawConnection } from './support/raw-connection.ts';
import { until } from './support/until.ts';

const certificate = generate([{ name: 'commonName', value: 'localhost' }], {
  keySize: 2048,
  extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
});

async function portOf(server: {
  listen(port: number, host: string, done: () => void): unknown;
  address(): unknown;
  close(): unknown;
}): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('HTTP/2 is used for requests without a body, to a target that offers it', async () => {
  const { cert, private: key } = await certificate;
  const versions: string[] = [];
  const server = createSecureServer({ cert, key, allowHTTP1: true }, (request, response) => {
    versions.push(`${request.method} ${request.httpVersion}`);
    request.setEncoding('utf8');
    let body = '';
    request.on('data', (text: string) => (body += text));
    request.on('end', () => {
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      const { ':authority': authority, host, cookie } = request.headers;
      response.write([authority ?? host, request.url, cookie, body].join(' '));
      response.addTrailers({ 'x-sum': '42' });
      response.end();
    });
  });
  const targetPort = await portOf(server);
  const folder = await folderWith({ 'ca.pem': cert });
  const more = { upstream: { tls: { ca: 'ca.pem' } }, options: { folder } };
  const { url, port, service } = await proxying([`https://localhost:${targetPort}`], more);
  const seen = `localhost:${targetPort}`;
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const answer = await ask(`${url}/a?i=${i}`);
      expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
      return answer.text();
    }),
  );
  expect(answers).toEqual(Array.from({ length: 20 }, (_, i) => `${seen} /a?i=${i}  `));
  const posted = await ask(url, { method: 'POST', body: 'some' });
  expect(await posted.text()).toBe(`${seen} /  some`);
  expect(new Set(versions)).toEqual(new Set(['GET 2.0', 'POST 1.1']));
  const connection = await RawConnection.open(port);
  // What HTTP/2 forbids must not end the session, which others use as well.
  const odd =
    'HTTP2-Settings: x\r\nUser-Agent: a\r\nuser-agent: b\r\nCookie: a=1\r\ncookie: b=2\r\n';
  connection.send(`GET /odd HTTP/1.1\r\nhost: a\r\nte: trailers\r\n${odd}\r\n`);
  const answer = await connection.answer();
  expect([answer.status, answer.body]).toEqual([200, `${seen} /odd a=1; b=2 `]);
  await until('the trailers have come', () => connection.rest.includes('sum: 42'));
  expect(versions.at(-1)).toBe('GET 2.0');
  expect(service.stats().upstreams['u']?.targets[0]?.failed).toBe(0);
  const plain = await proxying([`https://localhost:${targetPort}`], {
    upstream: { ...more.upstream, http2: false },
    options: { folder },
  });
  expect((await ask(plain.url)).status).toBe(200);
  expect(versions.at(-1)).toBe('GET 1.1');
});

test('clients that leave at any moment leave nothing behind at an HTTP/2 target', async () => {
  const { cert, private: key } = await certificate;
  const server = createSecureServer({ cert, key }, (_request, response) => {
    setTimeout(() => response.end('x'.repeat(100_000)), 10);
  });
  const targetPort = await portOf(server);
  const { port, service } = await proxying([`https://localhost:${targetPort}`], {
    upstream: { tls: { verify: false } },
  });
  for (let i = 0; i < 60; i++) {
    const connection = await RawConnection.open(port);
    connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await new Promise((resolve) => setTimeout(resolve, i % 15));
    connection.leave();
  }
  await until('nothing is under way', () => {
    const { admission, targets } = service.stats().upstreams['u']!;
    return admission.active === 0 && targets.every(({ inFlight }) => inFlight === 0);
  });
  expect((await ask(`http://127.0.0.1:${port}`)).status).toBe(200);
});

test('a target that speaks HTTP/2 alone is not blamed for what it cannot take', async () => {
  const { cert, private: key } = await certificate;
  const server = createSecureServer({ cert, key }, (_request, response) => response.end('ok'));
  const targetPort = await portOf(server);
  const { url, service, log } = await proxying([`https://localhost:${targetPort}`], {
    upstream: { tls: { verify: false } },
  });
  for (let i = 0; i < 3; i++) {
    expect((await ask(url, { method: 'POST', body: 'some' })).status).toBe(502);
  }
  expect(await (await ask(url)).text()).toBe('ok');
  expect(service.stats().upstreams['u']?.targets[0]).toMatchObject({ failed: 0, ignored: 3 });
  expect(JSON.stringify(log)).toContain('speaks no HTTP/1.1');
});

test('a target whose certificate is not trusted is not talked to', async () => {
  const { cert, private: key } = await certificate;
  let requests = 0;
  const server = createHttpsServer({ cert, key }, (_request, response) => {
    requests++;
    response.end();
  });
  const port = await portOf(server);
  const { url } = await proxying([`https://localhost:${port}`]);
  expect((await ask(url)).status).toBe(502);
  expect(requests).toBe(0);
  const unchecked = await proxying([`https://localhost:${port}`], {
    upstream: { tls: { verify: false } },
  });
  expect((await ask(unchecked.url)).status).toBe(200);
});

test('a file of TLS that cannot be read is told at the start, with its place', async () => {
  const folder = await folderWith({});
  await expect(
    proxying(['https://localhost:1'], {
      upstream: { tls: { ca: 'missing.pem' } },
      options: { folder },
    }),
  ).rejects.toThrow(/upstreams\.u\.tls\.ca.*missing\.pem.*ENOENT/s);
});
