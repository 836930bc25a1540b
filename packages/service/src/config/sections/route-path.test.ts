import { fastify, type FastifyInstance } from 'fastify';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { pathSchema, patternOf } from './route-path.ts';

function expectedOf(path: unknown): string | undefined {
  return pathSchema.safeParse(path).error?.issues[0]?.message;
}

const segment = fc.oneof(
  fc.stringMatching(/^[\w.~!$&'()+,;=@-]{1,8}$/).filter((text) => !/^\.{1,2}$/.test(text)),
  fc
    .stringMatching(/^:[A-Za-z_]\w{0,5}$/)
    .filter((text) => !/^:(?:__proto__|constructor|prototype)$/.test(text)),
  fc.constantFrom('é', '日本', 'ñandú'),
);
const path = fc
  .tuple(fc.uniqueArray(segment, { minLength: 1, maxLength: 4 }), fc.constantFrom('', '/', '/*'))
  .map(([segments, end]) => `/${segments.join('/')}${end}`);

test('every path that is taken is taken by the router, and each pattern only once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(path, { maxLength: 8 }), async (paths) => {
      const app = fastify();
      const patterns = new Set<string>();
      for (const url of paths) {
        expect(expectedOf(url), `for ${url}`).toBeUndefined();
        expect(register(app, url)).toBe(!patterns.has(patternOf(url)));
        patterns.add(patternOf(url));
      }
      await app.close();
    }),
    { numRuns: 50 },
  );
});

/** Whether the router takes it: it throws for a path that it has already. */
function register(app: FastifyInstance, url: string): boolean {
  try {
    app.get(url, () => '');
    return true;
  } catch {
    return false;
  }
}

test('a path that the router or no client would take is refused', () => {
  const cases: [unknown, string][] = [
    [5, 'a path that starts with "/"'],
    ['', 'a path that starts with "/"'],
    ['orders', 'a path that starts with "/"'],
    ['*', 'a path that starts with "/"'],
    ['/metrics', "a path other than the service's own (/livez, /readyz, /metrics, /stats)"],
    ['/caf%C3%A9', 'a path as it reads once decoded'],
    ['//a', 'a path without empty segments'],
    ['/a//b', 'a path without empty segments'],
    ['/a/../b', 'a path without "." and ".." segments'],
    ['/*/a', 'a path with "*" only as its last segment'],
    ['/a*', 'a path with "*" only as its last segment'],
    ['/**', 'a path with "*" only as its last segment'],
    ['/:', 'a path in which :name takes a whole segment'],
    ['/a:b', 'a path in which :name takes a whole segment'],
    ['/:id.json', 'a path in which :name takes a whole segment'],
    ['/:id?', 'a path in which :name takes a whole segment'],
    ['/:id(\\d+)', 'a path in which :name takes a whole segment'],
    ['/:__proto__', 'a path in which :name takes a whole segment'],
    ['/:id/x/:id', 'a path whose parameters have different names'],
    ['/a?b=c', "a path of letters, digits and -._~!$&'()+,;=@"],
    ['/a b', "a path of letters, digits and -._~!$&'()+,;=@"],
    [`/${'a'.repeat(1000)}`, 'a path of at most 1000 characters'],
  ];
  for (const [given, expected] of cases)
    expect(expectedOf(given), `for ${String(given)}`).toBe(expected);
});

test('the root, a trailing slash and a rest are paths', () => {
  for (const given of ['/', '/a', '/a/', '/*', '/a/*', '/:a/:b', '/a.b/~c', '/日本']) {
    expect(expectedOf(given), `for ${given}`).toBeUndefined();
  }
});

test('a pattern tells apart what parameters do not', () => {
  expect(patternOf('/orders/:id/items/:item_2')).toBe('/orders/:/items/:');
  expect(patternOf('/orders/*')).toBe('/orders/*');
});
