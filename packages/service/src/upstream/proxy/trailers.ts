import { validateHeaderName, validateHeaderValue } from 'node:http';

import type { ReceivedHeaders } from './response-headers.ts';

/** What would change how the message before it is understood, as RFC 9110, section 6.5.1 forbids. */
const FORBIDDEN: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'host',
  'keep-alive',
  'max-forwards',
  'proxy-authenticate',
  'proxy-authorization',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'www-authenticate',
]);

/** The trailers that a client may be sent, of those that came. */
export function trailersOf(received: ReceivedHeaders | null | undefined): [string, string][] {
  if (received === null || received === undefined) return [];
  return pairsOf(received).filter(([name, value]) => mayBeSent(name, value));
}

function pairsOf(received: ReceivedHeaders): [string, string][] {
  if (!Array.isArray(received)) {
    return Object.entries(received as Readonly<Record<string, string | string[]>>).flatMap(
      ([name, value]) => [value].flat().map((each): [string, string] => [name, each]),
    );
  }
  const flat: readonly (string | Uint8Array)[] = received;
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) pairs.push([textOf(flat[i]), textOf(flat[i + 1])]);
  return pairs;
}

function mayBeSent(name: string, value: string): boolean {
  if (FORBIDDEN.has(name.toLowerCase())) return false;
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}

function textOf(text: string | Uint8Array | undefined): string {
  return typeof text === 'string' ? text : Buffer.from(text ?? []).toString('latin1');
}
