import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { authorityOf, targetPath, type PathRules } from './target-path.ts';

const as = (rules: PathRules, url: string): string | undefined => targetPath(rules)(url);

test('without a rule the URL is what the client sent, escapes and query untouched', () => {
  for (const url of [
    '/',
    '/a',
    '/a/',
    '/a//b',
    '/%61%2Fb%20?x=%2e%2e/../&y=//z?',
    '/a?',
    '/a/b.c/...',
    '/.well-known/x',
    '/a;v=1/b',
    '/{}|^"<>`',
    '/%252e%252e/',
  ]) {
    expect(as({ path: '/*' }, url), `for ${url}`).toBe(url);
  }
});

test.each([
  ['/shop', '/shop', '/shop', '/'],
  ['/shop/*', '/shop', '/shop/', '/'],
  ['/shop/*', '/shop', '/shop/a/b?c=/d', '/a/b?c=/d'],
  ['/shop/*', '/shop', '/%73hop/a%2Fb', '/a%2Fb'],
  ['/shop/*', '/shop', '/shop?a', '/?a'],
  ['/shop/v1/:id', '/shop', '/shop/v1/7', '/v1/7'],
  ['/shop/v1/:id', '/shop/v1', '/shop/v1/7', '/7'],
])('%s without %s: %s becomes %s', (path, stripPrefix, url, expected) => {
  expect(as({ path, stripPrefix }, url)).toBe(expected);
});

test.each([
  ['/items/:id', '/v2/items/:id', '/items/7?a=b', '/v2/items/7?a=b'],
  ['/items/:id', '/v2/items/:id', '/items/a%2Fb%3Fc', '/v2/items/a%2Fb%3Fc'],
  ['/:a/:b', '/:b/x/:a/:b', '/1/2', '/2/x/1/2'],
  ['/files/:who/*', '/f/:who/all/*', '/files/me/a/%62//c/', '/f/me/all/a/%62//c/'],
  ['/files/*', '/f/*', '/files/', '/f/'],
  ['/files/*', '/fixed', '/files/a/b', '/fixed'],
  ['/a', '/', '/a?b', '/?b'],
  ['/a', '/größe', '/a', '/gr%C3%B6%C3%9Fe'],
])('%s as %s: %s becomes %s', (path, rewrite, url, expected) => {
  expect(as({ path, rewrite }, url)).toBe(expected);
});

test('an absolute URL is taken for its path, and its host for nothing', () => {
  const as1 = targetPath({ path: '/a/*', stripPrefix: '/a' });
  expect(as1('http://evil.example/a/b?c')).toBe('/b?c');
  expect(as1('HTTPS://me@evil.example:1/a/b')).toBe('/b');
  for (const url of [
    'http://evil.example',
    'http://evil.example?/a/b',
    'http:/a/b',
    'http:///a/b/../c',
    'http://evil.example//x',
    'http://evil\\/a/b/..',
    'ftp://evil.example/a/b',
    'evil.example:80',
    '*',
    'a/b',
    '',
    '?a',
  ]) {
    expect(as1(url), `for ${url}`).toBeUndefined();
  }
});

test('the host that a client asked for in its URL is told, with the port', () => {
  expect(authorityOf('HTTP://A.example:80/b?c')).toBe('A.example:80');
  for (const url of ['/a', '//a.example/b', '*', 'a.example:443', 'http://a.example']) {
    expect(authorityOf(url), `for ${url}`).toBeUndefined();
  }
});

test('what some server takes for a way out of the path is refused', () => {
  for (const url of [
    '/..',
    '/.',
    '/a/..',
    '/a/../b',
    '/a/./b',
    '/a/..?b',
    '/a/%2e%2e/b',
    '/a/%2E./b',
    '/a/.%2e',
    '/a/%2e',
    '/a\\..\\b',
    '/a/..\\b',
    '/a\\%2e%2e/b',
    '/a%2f..%2Fb',
    '/a%2F%2e%2e',
    '/a%5c..%5Cb',
    '/a/..;x=1/b',
    '/a/..%3bx/b',
    '/a/.;/b',
  ]) {
    expect(as({ path: '/*' }, url), `for ${url}`).toBeUndefined();
  }
});

test('what some server takes for a host is refused, also where it comes of a rule', () => {
  for (const url of ['//evil.example/a', '/\\evil.example', '///', '//']) {
    expect(as({ path: '/*' }, url), `for ${url}`).toBeUndefined();
  }
  const stripped = targetPath({ path: '/a/*', stripPrefix: '/a' });
  expect(stripped('/a//evil.example')).toBeUndefined();
  expect(stripped('/a/\\evil.example')).toBeUndefined();
  expect(as({ path: '/a/*', rewrite: '/*' }, '/a//evil.example')).toBeUndefined();
  expect(as({ path: '/a/:b/c', rewrite: '/:b/x' }, '/a//c')).toBeUndefined();
});

test('what would end the line or the path is refused', () => {
  for (const url of [
    '/a b',
    '/a\tb',
    '/a\r\nb',
    '/a?\n',
    '/a\0',
    '/a\u007f',
    '/a#b',
    '/a?#',
    '/\u00e4',
    '/\u0100',
  ]) {
    expect(as({ path: '/*' }, url), `for ${url}`).toBeUndefined();
  }
});

const piece = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('.', '..', '/', '\\', '%2e', '%2F', '%5c', ';', '?', '#'),
  },
  { weight: 3, arbitrary: fc.stringMatching(/^[a-z0-9%]{1,4}$/) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 2 }) },
);
const url = fc
  .tuple(
    fc.constantFrom('/', '/shop/', '/shop/x/', 'http://a.example/shop/', ''),
    fc.array(piece, { maxLength: 8 }),
  )
  .map(([start, rest]) => start + rest.join(''));
const rules = fc.constantFrom<PathRules>(
  { path: '/*' },
  { path: '/shop/*', stripPrefix: '/shop' },
  { path: '/shop/:id', rewrite: '/v2/:id' },
  { path: '/shop/:id/*', rewrite: '/:id/*' },
  { path: '/shop/*', rewrite: '/*' },
);

test('a target is asked for a path of its own: one slash first, no dot segments, one line', () => {
  fc.assert(
    fc.property(rules, url, (rule, asked) => {
      const path = as(rule, asked);
      if (path === undefined) return;
      expect(path).toMatch(/^\/(?![/\\])[!-~]*$/);
      expect(path).not.toContain('#');
      const segments = path
        .replace(/\?.*/, '')
        .replaceAll(/%2e/gi, '.')
        .split(/[/\\]|%2f|%5c/i)
        .map((segment) => segment.replace(/(?:;|%3b).*/i, ''));
      expect(segments).not.toContain('.');
      expect(segments).not.toContain('..');
    }),
    { numRuns: 1000 },
  );
});

test('without a rule a path is given as it came or not at all', () => {
  fc.assert(
    fc.property(url, (asked) => {
      const path = as({ path: '/*' }, asked);
      if (path !== undefined) expect(asked.replace(/^http:\/\/a\.example/, '')).toBe(path);
    }),
    { numRuns: 1000 },
  );
});
