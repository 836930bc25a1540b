import { createHash } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';

import { ManualClock } from '@sluice/core/testing';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { HttpError, type HandlerRequest } from '../http/index.ts';
import { digest } from './digest.ts';

const handler = digest(new ManualClock());

function ask(
  body: Readable | undefined,
  query = {},
  signal = new AbortController().signal,
): unknown {
  return handler({ body, query, signal, waitedMs: 1.23456 } as HandlerRequest);
}

test('the digest is that of all the bytes, however they are cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 })), async (parts) => {
      const chunks = parts.map((part) => Buffer.from(part));
      const whole = Buffer.concat(chunks);
      expect(await ask(Readable.from(chunks))).toEqual({
        algorithm: 'sha256',
        bytes: whole.length,
        digest: createHash('sha256').update(whole).digest('hex'),
        waitedMs: 1.235,
        workedMs: 0,
      });
    }),
    { numRuns: 50 },
  );
});

test.each(['sha256', 'sha384', 'sha512', 'sha3-256', 'sha3-512', 'sha1', 'md5'])(
  'it takes %s when asked to',
  async (algorithm) => {
    const answer = await ask(Readable.from([Buffer.from('abc')]), { algorithm });
    const expected = createHash(algorithm).update('abc').digest('hex');
    expect(answer).toMatchObject({ algorithm, digest: expected });
  },
);

test('without a body it is the digest of nothing', async () => {
  expect(await ask(undefined)).toMatchObject({ bytes: 0 });
});

test('an algorithm that is not known is the mistake of the client', async () => {
  for (const algorithm of ['crc32', 'SHA256', '', ['sha1', 'md5'], 'shake256']) {
    await expect(ask(undefined, { algorithm })).rejects.toThrow(HttpError);
  }
});

test('it ends when its signal does', async () => {
  const call = new AbortController();
  const body = new PassThrough();
  const asked = ask(body, {}, call.signal);
  body.write('half');
  call.abort(new Error('nobody waits'));
  await expect(asked).rejects.toThrow('nobody waits');
  expect(body.destroyed).toBe(true);
});
