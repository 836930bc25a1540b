import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { HOP_BY_HOP } from './hop-by-hop.ts';
import {
  ResponseHeaders,
  type ReceivedHeaders,
  type ResponseHeaderPolicy,
} from './response-headers.ts';

/** Headers, flat. */
const pairs = (...lines: readonly string[]): string[] =>
  lines.flatMap((line) => {
    const end = line.indexOf(': ');
    return [line.slice(0, end), line.slice(end + 2)];
  });

const plain: ResponseHeaderPolicy = { via: 'sluice', edits: { set: {}, add: {}, remove: [] } };

function answered(
  received: ReceivedHeaders,
  policy: Partial<ResponseHeaderPolicy> = {},
  canTrailer = true,
): string[] {
  return new ResponseHeaders({ ...plain, ...policy }).of(received, {
    httpVersion: '1.1',
    canTrailer,
  });
}

const via = ['via', '1.1 sluice'];

test('what is about the message is passed on as it came, and every Set-Cookie', () => {
  const raw = [
    ...pairs('Content-Type: text/html', 'Set-Cookie: a=1', 'set-cookie: b=2'),
    ...pairs('Location: http://10.0.0.7:8080/else', 'ETag: "x"'),
  ];
  expect(answered(raw)).toEqual([...raw, ...via]);
});

test('bytes are read as Latin-1, of a view of any buffer', () => {
  const bytes = Buffer.from('..x-name..caf\u00e9..', 'latin1');
  expect(answered([bytes.subarray(2, 8), new Uint8Array(bytes.subarray(10, 14))])).toEqual([
    ...pairs('x-name: caf\u00e9'),
    ...via,
  ]);
});

test('the answers of HTTP/2 come by name', () => {
  const received = { 'content-type': 'text/html', 'set-cookie': ['a=1', 'b=2'], x: undefined };
  expect(answered(received)).toEqual([
    ...pairs('content-type: text/html', 'set-cookie: a=1', 'set-cookie: b=2'),
    ...via,
  ]);
});

test('what is about the connection ends here, in whatever case, and what Connection names', () => {
  for (const name of HOP_BY_HOP.filter((each) => each !== 'trailer')) {
    expect(answered([name.toUpperCase(), 'x'])).toEqual(via);
  }
  const raw = ['X-A', '1', 'Connection', 'x-a, set-cookie', 'Set-Cookie', 'a=1'];
  expect(answered(raw)).toEqual(['Set-Cookie', 'a=1', ...via]);
});

test('a date comes once, and is left to Node when the target sent none', () => {
  expect(answered(['Date', 'today', 'date', 'tomorrow'])).toEqual(['date', 'today', ...via]);
  expect(answered([])).toEqual(via);
});

test('trailers are announced where the client can be sent some', () => {
  const raw = ['Trailer', 'grpc-status', 'trailer', 'grpc-message'];
  expect(answered(raw)).toEqual(['trailer', 'grpc-status, grpc-message', ...via]);
  expect(answered(raw, {}, false)).toEqual(via);
  expect(answered([...raw, 'content-length', '5'])).toEqual(['content-length', '5', ...via]);
});

test('Via grows by one, or stays as it came', () => {
  expect(answered(['Via', '1.0 fred'])).toEqual(['via', '1.0 fred, 1.1 sluice']);
  expect(answered(['Via', '1.0 fred'], { via: false })).toEqual(['via', '1.0 fred']);
});

test('the edits of a route come last', () => {
  const edits = {
    set: { 'cache-control': 'no-store' },
    add: { 'Set-Cookie': 'b=2' },
    remove: ['Server', 'via'],
  };
  const raw = ['server', 'secret', 'Cache-Control', 'public', 'set-cookie', 'a=1'];
  expect(answered(raw, { edits })).toEqual([
    ...pairs('set-cookie: a=1', 'cache-control: no-store', 'Set-Cookie: b=2'),
  ]);
});

const token = fc.oneof(
  fc.constantFrom(...HOP_BY_HOP, 'x-a', 'date', 'content-length'),
  fc.stringMatching(/^[A-Za-z-]{1,10}$/),
);
const text = fc.oneof(
  fc.stringMatching(/^[\t -~\u0080-\u00ff]{0,20}$/),
  fc.array(token, { maxLength: 4 }).map((names) => names.join(', ')),
);

test('whatever a target sends, the header is one for the client', () => {
  const raw = fc.array(fc.tuple(token, text), { maxLength: 20 }).map((all) => all.flat());
  fc.assert(
    fc.property(raw, fc.boolean(), (received, canTrailer) => {
      const bytes = received.map((each) => Buffer.from(each, 'latin1'));
      const headers = answered(bytes, {}, canTrailer);
      expect(headers).toEqual(answered(received, {}, canTrailer));
      const names = headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
      const count = (wanted: string) => names.filter((name) => name === wanted).length;
      for (const name of HOP_BY_HOP) {
        expect(count(name)).toBeLessThanOrEqual(name === 'trailer' && canTrailer ? 1 : 0);
      }
      expect(count('date')).toBeLessThanOrEqual(1);
      expect(count('content-length') + count('trailer')).toBeLessThanOrEqual(1);
      expect(headers.every((each) => /^[\t -~\u0080-\u00ff]*$/.test(each))).toBe(true);
    }),
  );
});
