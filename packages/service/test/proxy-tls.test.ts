import { createServer as createHttpsServer } from 'node:https';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';

import { generate } from 'selfsigned';
import { expect, onTestFinished, test } from 'vitest';

import { ask } from './support/ask.ts';
import { folderWith } from './support/folder.ts';
import { proxying } from './support/proxying.ts';

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

test('HTTP/2 is used with a target that offers it, with bodies, trailers and the name of the target', async () => {
  const { cert, private: key } = await certificate;
  const versions: string[] = [];
  const server = createSecureServer({ cert, key, allowHTTP1: true }, (request, response) => {
    versions.push(request.httpVersion);
    request.setEncoding('utf8');
    let body = '';
    request.on('data', (text: string) => (body += text));
    request.on('end', () => {
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      response.end(
        `${request.headers[':authority'] ?? request.headers.host} ${request.url} ${body}`,
      );
    });
  });
  const port = await portOf(server);
  const folder = await folderWith({ 'ca.pem': cert });
  const more = { upstream: { tls: { ca: 'ca.pem' } }, options: { folder } };
  const { url } = await proxying([`https://localhost:${port}`], more);
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const answer = await ask(`${url}/a?i=${i}`, { method: 'POST', body: `body ${i}` });
      expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
      return answer.text();
    }),
  );
  expect(answers).toEqual(
    Array.from({ length: 20 }, (_, i) => `localhost:${port} /a?i=${i} body ${i}`),
  );
  expect(new Set(versions)).toEqual(new Set(['2.0']));
  const plain = await proxying([`https://localhost:${port}`], {
    upstream: { ...more.upstream, http2: false },
    options: { folder },
  });
  expect((await ask(plain.url)).status).toBe(200);
  expect(versions.at(-1)).toBe('1.1');
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
