import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { expect, expectTypeOf, test } from 'vitest';
import type { KeyedRequest } from './keyed-request.ts';
import { routeKey } from './route-key.ts';

const headers = {};

test.for([
  { url: '/users/42', key: 'GET /users/42' },
  { url: '/users/42?a=1#b', key: 'GET /users/42' },
  { url: '/users#b?a', key: 'GET /users' },
  { url: '/a//b/', key: 'GET /a//b/' },
  { url: 'http://any.example:80/users?a', key: 'GET /users' },
  { url: 'HTTP://any.example?a', key: 'GET /' },
  { url: '/http://any.example/', key: 'GET /http://any.example/' },
  { url: '*', key: 'GET *' },
  { url: '', key: 'GET /' },
  { url: undefined, key: 'GET /' },
])('with no framework, $url has the key $key', ({ url, key }) => {
  expect(routeKey({ headers, method: 'GET', url })).toBe(key);
});

test('methods have keys of their own', () => {
  expect(routeKey({ headers, method: 'POST', url: '/a' })).toBe('POST /a');
});

test('a path over 200 characters is hashed', () => {
  const path = (length: number): string => `/${'a'.repeat(length - 1)}`;
  expect(routeKey({ headers, url: path(200) })).toBe(`GET ${path(200)}`);
  expect(routeKey({ headers, url: path(201) })).toMatch(/^GET #[\w-]{22}$/u);
  expect(routeKey({ headers, url: path(201) })).not.toBe(routeKey({ headers, url: path(202) }));
});

test('in Fastify the key is the pattern of the route, and one for all that match none', () => {
  const request = (url: string, pattern: string | undefined): KeyedRequest => ({
    headers,
    method: 'GET',
    url,
    originalUrl: url,
    routeOptions: { url: pattern },
  });
  expect(routeKey(request('/users/42?a', '/users/:id'))).toBe('GET /users/:id');
  expect(routeKey(request('/made-up', undefined))).toBe('GET no-route');
});

test.for([
  { path: '/:id', key: 'GET /users/:id' },
  { path: /^\/\d+$/, key: String.raw`GET /users/^\/\d+$/` },
  { path: ['/:id', '/of/:id'], key: 'GET /users/:id,/of/:id' },
])(
  'in an Express route of $path the key is where it is mounted and its pattern',
  ({ path, key }) => {
    const request = {
      headers,
      method: 'GET',
      url: '/42',
      originalUrl: '/users/42',
      baseUrl: '/users',
    };
    expect(routeKey({ ...request, route: { path } })).toBe(key);
  },
);

test('before Express has matched a route, the key is the whole path', () => {
  const request = {
    headers,
    method: 'GET',
    url: '/42',
    originalUrl: '/users/42?a',
    baseUrl: '/users',
  };
  expect(routeKey(request)).toBe('GET /users/42');
});

test('the requests of node:http and node:http2 fit as they are', () => {
  expectTypeOf<IncomingMessage>().toExtend<KeyedRequest>();
  expectTypeOf<Http2ServerRequest>().toExtend<KeyedRequest>();
});
