import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidOptionsError } from '../../core/index.ts';
import { apiKey, NO_API_KEY, type ApiKeyOptions } from './api-key.ts';

const sha256 = (text: string): string =>
  `api-key:${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`;

test('the key is 132 bits of the SHA-256 of the secret', () => {
  expect(apiKey()({ headers: { 'x-api-key': 'sk_live_1' } })).toBe(sha256('sk_live_1'));
  expect(apiKey({ header: 'X-Token' })({ headers: { 'x-token': 'a' } })).toBe(sha256('a'));
});

test('the secret is not in its key', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 4, maxLength: 60 }), (secret) => {
      const key = apiKey()({ headers: { 'x-api-key': secret } });
      fc.pre(!'api-key:no-api-key'.includes(secret));
      expect(key).not.toContain(secret);
      expect(key.length).toBeLessThanOrEqual(30);
    }),
  );
});

test('two secrets have two keys, neither of them that of a request without one', () => {
  const secret = fc.string({ minLength: 1 }).filter((s) => s === s.trim());
  fc.assert(
    fc.property(secret, secret, (one, other) => {
      const [key, otherKey] = [one, other].map((s) => apiKey()({ headers: { 'x-api-key': s } }));
      expect(key === otherKey).toBe(one === other);
      expect([key, otherKey]).not.toContain(NO_API_KEY);
    }),
  );
});

test.for([
  { title: 'a token', authorization: 'Bearer abc', secret: 'abc' },
  { title: 'a scheme in another case', authorization: 'bEARER abc', secret: 'abc' },
  { title: 'several spaces', authorization: 'Bearer   abc ', secret: 'abc' },
  { title: 'a token with spaces in it', authorization: 'Bearer a b', secret: 'a b' },
])('behind a scheme stands the secret: $title', ({ authorization, secret }) => {
  const key = apiKey({ scheme: 'Bearer' });
  expect(key({ headers: { authorization } })).toBe(sha256(secret));
});

test.for<string | undefined>([undefined, '', 'Bearer', 'Bearer ', 'Bearerabc', 'Basic abc', 'abc'])(
  'an Authorization of %j has no bearer token: its requests share a key',
  (authorization) => {
    expect(apiKey({ scheme: 'Bearer' })({ headers: { authorization } })).toBe(NO_API_KEY);
  },
);

test('requests without an API key, or with an empty one, share a key', () => {
  expect(apiKey()({ headers: {} })).toBe(NO_API_KEY);
  expect(apiKey()({ headers: { 'x-api-key': ' ' } })).toBe(NO_API_KEY);
});

test('a scheme can stand in a header of another name', () => {
  const key = apiKey({ header: 'x-auth', scheme: 'token' });
  expect(key({ headers: { 'x-auth': 'Token abc' } })).toBe(sha256('abc'));
});

test('wrong options are all named', () => {
  const make = (): unknown => apiKey({ header: '', scheme: 'a b' } satisfies ApiKeyOptions);
  expect(make).toThrow(InvalidOptionsError);
  expect(make).toThrow(
    /header must be a header's name: .*; scheme must be an authentication scheme/u,
  );
});
