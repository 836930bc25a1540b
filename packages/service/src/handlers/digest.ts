import { createHash, getHashes, type Hash } from 'node:crypto';
import type { Readable } from 'node:stream';

import type { Clock } from '@sluice/core';

import { HttpError, type Handler } from '../http/index.ts';
import { toMicros } from './to-micros.ts';

const ALGORITHMS: readonly string[] = [
  'sha256',
  'sha384',
  'sha512',
  'sha3-256',
  'sha3-512',
  'blake2b512',
  'blake2s256',
  'sha1',
  'md5',
].filter((name) => getHashes().includes(name));

/**
 * Answers the digest of the posted bytes, read as they come, never held: `?algorithm=` chooses one,
 * SHA-256 if none is named.
 */
export const digest =
  (clock: Clock): Handler =>
  async ({ query, body, waitedMs, signal }) => {
    const startMs = clock.nowMs();
    const algorithm = query['algorithm'] ?? 'sha256';
    const hash = hashFor(algorithm);
    const bytes = body === undefined ? 0 : await feed(hash, body as Readable, signal);
    return {
      algorithm,
      bytes,
      digest: hash.digest('hex'),
      waitedMs: toMicros(waitedMs),
      workedMs: toMicros(clock.nowMs() - startMs),
    };
  };

function hashFor(algorithm: string | readonly string[]): Hash {
  if (typeof algorithm === 'string' && ALGORITHMS.includes(algorithm)) return createHash(algorithm);
  throw new HttpError(400, `?algorithm= must be one of ${ALGORITHMS.join(', ')}.`);
}

async function feed(hash: Hash, body: Readable, signal: AbortSignal): Promise<number> {
  const stop = (): void => void body.destroy(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return bytes;
}
