import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';

import { expect, test } from 'vitest';

import { ask } from './support/ask.ts';
import { serve } from './support/service-process.ts';

const MIB = 1024 * 1024;
const BLOCK = Buffer.from(Array.from({ length: MIB }, (_, i) => (i * 31) % 251));

const served = () => serve(['--port', '0', '--host', '127.0.0.1']);

/** The digest of so many blocks. */
function digestOf(blocks: number, algorithm: string): string {
  const hash = createHash(algorithm);
  for (let i = 0; i < blocks; i++) hash.update(BLOCK);
  return hash.digest('hex');
}

function upload(url: string, blocks: number, withLength: boolean): Promise<Response> {
  const body = Readable.from(repeated(blocks));
  const headers: Record<string, string> = withLength
    ? { 'content-length': String(blocks * MIB) }
    : {};
  return ask(url, { method: 'POST', body, headers, duplex: 'half' });
}

function* repeated(blocks: number): Generator<Buffer> {
  for (let i = 0; i < blocks; i++) yield BLOCK;
}

/** Memory that the process has ever held, in bytes. */
async function peakOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

test('a digest of 50 MiB is right, sent in chunks or with its length, in each algorithm asked for', async () => {
  const { url } = await served();
  for (const [query, algorithm, withLength] of [
    ['', 'sha256', false],
    ['', 'sha256', true],
    ['?algorithm=sha512', 'sha512', true],
  ] as const) {
    const answer = await upload(`${url}/api/digest${query}`, 50, withLength);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      algorithm,
      bytes: 50 * MIB,
      digest: digestOf(50, algorithm),
    });
  }
});

test('a digest of nothing is that of no bytes', async () => {
  const { url } = await served();
  const answer = await ask(`${url}/api/digest`, { method: 'POST' });
  expect(await answer.json()).toMatchObject({
    bytes: 0,
    digest: createHash('sha256').digest('hex'),
  });
});

test('an algorithm that is not known is answered 400 with those that are', async () => {
  const { url } = await served();
  for (const query of [
    'algorithm=crc32',
    'algorithm=',
    'algorithm=sha1&algorithm=md5',
    'algorithm=__proto__',
  ]) {
    // Small: fetch does not read an answer that comes while it is still sending.
    const answer = await ask(`${url}/api/digest?${query}`, { method: 'POST', body: 'bytes' });
    expect([query, answer.status]).toEqual([query, 400]);
    expect((await answer.json()) as object).toMatchObject({
      detail: expect.stringMatching(/^\?algorithm= must be one of sha256, /) as string,
    });
  }
});

test.runIf(process.platform === 'linux')(
  'uploads of 100 MiB are read as they flow: three at once, and none is held in memory',
  async () => {
    const { url, process: child } = await served();
    expect((await upload(`${url}/api/digest`, 5, false)).status).toBe(200);
    const before = await peakOf(child.pid);
    const expected = { bytes: 100 * MIB, digest: digestOf(100, 'sha256') };
    const uploads = [false, true, false].map(async (withLength) => {
      const answer = await upload(`${url}/api/digest`, 100, withLength);
      expect(await answer.json()).toMatchObject(expected);
    });
    await Promise.all(uploads);
    expect((await peakOf(child.pid)) - before).toBeLessThan(100 * MIB);
  },
);

test('an upload of more than 100 MiB is answered 413, whether it says so or not', async () => {
  const { url } = await served();
  for (const withLength of [true, false]) {
    const answer = await upload(`${url}/api/digest`, 101, withLength);
    expect([withLength, answer.status]).toEqual([withLength, 413]);
  }
});
