import { PassThrough, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';

import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { limitedBody } from './body.ts';
import { HttpError } from './problem.ts';

async function bytesOf(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('a body passes as it is up to its limit, and fails with 413 beyond it, however it is cut', async () => {
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(chunks, fc.nat({ max: 400 }), async (parts, maxBytes) => {
      const whole = Buffer.concat(parts);
      const body = limitedBody(Readable.from(parts.map((part) => Buffer.from(part))), maxBytes);
      const outcome = await bytesOf(body).catch(
        (error: unknown) => (error as HttpError).statusCode,
      );
      expect(outcome).toEqual(whole.length <= maxBytes ? whole : 413);
    }),
    { numRuns: 50 },
  );
});

test('the reader of a body hears when its client leaves half-way', async () => {
  const source = new PassThrough();
  const body = limitedBody(source, 100);
  source.write('half');
  const reading = bytesOf(body);
  source.destroy();
  await expect(reading).rejects.toThrow('the client closed the connection');
});

test('the reader of a body hears when the request is over before it was read', async () => {
  const source = new PassThrough();
  const body = limitedBody(source, 100);
  source.write('half');
  const reading = bytesOf(body);
  source.unpipe();
  await expect(reading).rejects.toThrow('the request was answered before its body was read');
});

test('a body that nobody reads fails without an uncaught error', async () => {
  const source = new PassThrough();
  const body = limitedBody(source, 3);
  source.end('too long');
  await finished(body, { error: false }).catch(() => undefined);
  expect(body.errored).toBeInstanceOf(HttpError);
});
