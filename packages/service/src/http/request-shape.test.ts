import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { isAmbiguous } from './request-shape.ts';

const ask = (rawHeaders: readonly string[], httpVersion = '1.1', url = '/'): boolean =>
  isAmbiguous({ rawHeaders: [...rawHeaders], httpVersion, url });

test('what clients send is clear', () => {
  expect(ask(['Host', 'a.example:8080', 'Accept', '*/*'])).toBe(false);
  expect(ask(['host', '[::1]:80', 'content-length', '5'])).toBe(false);
  expect(ask(['HOST', 'a', 'Transfer-Encoding', 'Chunked'])).toBe(false);
  expect(ask(['host', ''])).toBe(false);
  expect(ask([], '1.0')).toBe(false);
  expect(ask(['host', 'a'], '1.1', 'http://b.example:1/x?y')).toBe(false);
  expect(ask(['host', 'a'], '1.1', '*')).toBe(false);
  expect(ask(['host', 'a', 'keep', 'x', 'x-request-path', 'y', 'if-none-match-', 'z'])).toBe(false);
});

test.each([
  'user@a',
  'a/b',
  'a b',
  'a,b',
  'a:8x',
  'a:123456',
  'a:1:2',
  '[::1',
  '::1',
  '[g]',
  'a\\b',
  'a?b',
  'a#b',
  '\u00e4',
  'a\tb',
])('the host %j is none, be it in Host or in the URL', (host) => {
  expect(ask(['host', host])).toBe(true);
  const inUrl = /[/?#\\]/.test(host) ? `http://me@${host}` : `http://${host}/`;
  expect(ask(['host', 'a'], '1.1', inUrl)).toBe(true);
});

test('a request has one host, whatever it is called', () => {
  expect(ask([])).toBe(true);
  expect(ask(['host', 'a', 'Host', 'a'])).toBe(true);
  expect(ask(['host', 'a'], '1.1', 'http:///x')).toBe(true);
});

test.each(['gzip', 'gzip, chunked', 'chunked, chunked', ',chunked', 'xchunked', '', 'chunked;q=1'])(
  'a body that is coded as %j has no clear end',
  (coding) => {
    expect(ask(['host', 'a', 'transfer-encoding', coding])).toBe(true);
  },
);

test('a body has one end, which one header tells', () => {
  const chunked = ['host', 'a', 'transfer-encoding', 'chunked'];
  expect(ask([...chunked, 'transfer-encoding', 'chunked'])).toBe(true);
  expect(ask([...chunked, 'content-length', '5'])).toBe(true);
  expect(ask(['content-length', '5', ...chunked])).toBe(true);
  expect(ask(chunked, '1.0')).toBe(true);
  expect(ask(['host', 'a', 'content-length', '5', 'Content-Length', '5'])).toBe(true);
  expect(ask(['host', 'a', 'Transfer_Encoding', 'chunked'])).toBe(true);
  expect(ask(['host', 'a', 'content_length', '5'])).toBe(true);
});

test('a line of the request is of HTTP/1, and has no fragment', () => {
  expect(ask(['host', 'a'], '0.9')).toBe(true);
  expect(ask(['host', 'a'], '1.1', '/a#b')).toBe(true);
});

test('other headers make no difference', () => {
  const name = fc
    .stringMatching(/^[A-Za-z-]{1,20}$/)
    .filter((text) => !/^(?:host|content-length|transfer-encoding)$/i.test(text));
  const others = fc.array(fc.tuple(name, fc.string()), { maxLength: 20 }).map((all) => all.flat());
  const framing = fc.constantFrom(
    [],
    ['host', 'a'],
    ['host', 'a', 'host', 'b'],
    ['host', 'a', 'transfer-encoding', 'chunked'],
    ['host', 'a', 'transfer-encoding', 'gzip'],
  );
  fc.assert(
    fc.property(others, framing, others, (before, own, after) => {
      expect(ask([...before, ...own, ...after])).toBe(ask(own));
    }),
  );
});
