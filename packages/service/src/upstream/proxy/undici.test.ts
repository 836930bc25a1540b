import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import * as fc from 'fast-check';
import { Client } from 'undici';
import { expect, onTestFinished, test } from 'vitest';

import { HOP_BY_HOP } from './hop-by-hop.ts';
import { RequestHeaders, type RequestHeaderPolicy } from './request-headers.ts';
import { ResponseHeaders } from './response-headers.ts';
import { targetPath } from './target-path.ts';

/** A client of undici's to a target that answers with what it was sent. */
async function echo(): Promise<Client> {
  const server = createServer({ requireHostHeader: false }, (request, response) => {
    response.end(JSON.stringify([request.url, ...request.rawHeaders]));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = new Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(async () => {
    await client.destroy();
    server.close();
  });
  return client;
}

const edits = { set: {}, add: {}, remove: [] };
const facts = {
  peerAddress: '192.0.2.7',
  isTrusted: true,
  proto: 'http',
  httpVersion: '1.1',
  requestId: 'r1',
  traceparent: undefined,
  deadlineMs: 1000,
} as const;

/** What Node's parser lets through, but for the length and the chunks of a body that there is not. */
const name = fc
  .oneof(
    fc.constantFrom(...HOP_BY_HOP, 'expect', 'via', 'forwarded', 'x-forwarded-for', 'te'),
    fc.stringMatching(/^[\w!#$%&'*+.^`|~-]{1,12}$/),
  )
  .filter((text) => text.toLowerCase() !== 'content-length' && text.toLowerCase() !== 'host');
const value = fc.stringMatching(/^(?:[!-~\u0080-\u00ff](?:[\t -~\u0080-\u00ff]{0,10}[!-~])?)?$/);
const rawHeaders = fc.array(fc.tuple(name, value), { maxLength: 12 }).map((all) => all.flat());

test('undici sends every header and every path that is computed, and the target gets them as they are', async () => {
  const client = await echo();
  const policy: RequestHeaderPolicy = {
    host: { fixed: 'a.example' },
    forwarded: 'append',
    via: 'sluice',
    edits,
  };
  const headersOf = new RequestHeaders(policy);
  const pathOf = targetPath({ path: '/*' });
  const url = fc.stringMatching(/^\/[!-~]{0,12}$/);
  await fc.assert(
    fc.asyncProperty(rawHeaders, url, async (raw, asked) => {
      const path = pathOf(asked);
      if (path === undefined) return;
      const headers = headersOf.of(raw, facts);
      const { body } = await client.request({ path, method: 'GET', headers });
      const [got, ...rest] = (await body.json()) as string[];
      expect(got).toBe(path);
      expect(pairsOf(rest)).toEqual(expect.arrayContaining(pairsOf(headers)));
    }),
    { numRuns: 200 },
  );
});

test('the headers of an answer are taken as undici hands them on', async () => {
  const client = await echo();
  const { headers } = await new Promise<{ headers: string[] }>((resolve, reject) => {
    client.dispatch(
      { path: '/', method: 'GET' },
      {
        onRequestStart: () => undefined,
        onResponseData: () => undefined,
        onResponseEnd: () => undefined,
        onResponseStart: ({ rawHeaders: received }) => {
          const policy = { via: 'sluice', edits };
          const of = new ResponseHeaders(policy).of(received ?? [], {
            httpVersion: '1.1',
            canTrailer: true,
          });
          resolve({ headers: of });
        },
        onResponseError: (_, error) => reject(error),
      },
    );
  });
  expect(headers.filter((_, i) => i % 2 === 0)).toEqual(['content-length', 'date', 'via']);
});

/** Headers as texts, in no order. */
function pairsOf(headers: readonly string[]): string[] {
  return headers.flatMap((text, i) =>
    i % 2 === 0 ? [`${text.toLowerCase()}: ${headers[i + 1] ?? ''}`] : [],
  );
}
