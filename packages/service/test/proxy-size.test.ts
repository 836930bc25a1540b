import { createHash } from 'node:crypto';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { expect, onTestFinished, test } from 'vitest';

import { folderWith } from './support/folder.ts';
import { serve } from './support/service-process.ts';

const GIGABYTE = 1_000_000_000;
const PART = Buffer.alloc(100_000, 'sluice');

function* gigabyte(): Generator<Buffer> {
  for (let sent = 0; sent < GIGABYTE; sent += PART.length) yield PART;
}

test('a gigabyte goes up and comes down through a heap of 64 MB', async () => {
  const target = createServer((incoming, response) => {
    response.writeHead(200, { 'content-length': GIGABYTE });
    void pipeline(incoming, response).catch(() => undefined);
  });
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void target.close());
  const folder = await folderWith({
    'sluice.json': JSON.stringify({
      server: { host: '127.0.0.1', port: 0, maxBodyBytes: 2 * GIGABYTE, requestTimeoutMs: 110_000 },
      upstreams: {
        big: {
          targets: [`http://127.0.0.1:${(target.address() as AddressInfo).port}`],
          timeoutMs: 110_000,
        },
      },
      routes: [{ path: '/*', upstream: 'big' }],
    }),
  });
  const { port, process: child } = await serve(['sluice.json'], {
    cwd: folder,
    env: { NODE_OPTIONS: '--max-old-space-size=64' },
  });
  const hash = createHash('sha256');
  let received = 0;
  await new Promise<void>((resolve, reject) => {
    const sending = request(
      { port, host: '127.0.0.1', method: 'PUT', headers: { 'content-length': GIGABYTE } },
      (answer) => {
        answer.on('data', (chunk: Buffer) => {
          received += chunk.length;
          hash.update(chunk);
        });
        answer.on('end', resolve).on('error', reject);
      },
    );
    sending.on('error', reject);
    pipeline(Readable.from(gigabyte()), sending).catch(reject);
  });
  expect(received).toBe(GIGABYTE);
  const expected = createHash('sha256');
  for (const part of gigabyte()) expected.update(part);
  expect(hash.digest('hex')).toBe(expected.digest('hex'));
  expect(child.hasEnded).toBe(false);
});
