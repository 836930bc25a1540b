import { expect, test } from 'vitest';

import { parseConfig } from './load.ts';
import { formatProblem } from './problems.ts';
import type { ResolvedConfig } from './schema.ts';

const file = 'c.yaml';

function resolved(text: string): ResolvedConfig<never> {
  const result = parseConfig(text, { file, env: {} });
  if (result.ok) return result.config;
  throw new Error(result.problems.map(formatProblem).join('\n'));
}

function problemsOf(text: string): readonly string[] {
  const result = parseConfig(text, { file, env: {} });
  return result.ok ? [] : result.problems.map(formatProblem).map((line) => line.slice(7));
}

const upstream = (text: string): string => `upstreams:\n  u: ${text}\n`;
const right = 'targets: ["http://10.0.0.7:8080"]';
const route = (text: string): string => `${upstream(`{ ${right} }`)}routes:\n  - { ${text} }\n`;

test('an upstream needs nothing but its targets', () => {
  const { upstreams, breakers } = resolved(`${upstream(`{ ${right} }`)}breakers: { b: {} }`);
  expect(upstreams).toEqual({
    u: {
      targets: ['http://10.0.0.7:8080'],
      resolve: 'static',
      connections: 64,
      pending: 1000,
      connectTimeoutMs: 1000,
      headersTimeoutMs: 10_000,
      bodyTimeoutMs: 30_000,
      timeoutMs: 10_000,
      idleTimeoutMs: 300_000,
      keepAliveMs: 4000,
      http2: true,
      host: 'target',
      forwarded: 'append',
      via: 'sluice',
      retry: {
        maxAttempts: 3,
        statuses: [502, 503, 504],
        backoff: { type: 'exponential', baseMs: 25, maxMs: 250, jitter: 'full' },
        maxRetryAfterMs: 1000,
        budget: { ratio: 0.2, minRetriesPerSecond: 10 },
      },
      breaker: breakers['b'],
      ejection: { consecutiveFailures: 5, baseMs: 30_000, maxMs: 300_000, maxRatio: 0.1 },
      slowStartMs: 10_000,
    },
  });
});

test('what is switched off is false, and what nobody asked for is missing', () => {
  const { u } = resolved(
    upstream(`{ ${right}, via: false, retry: false, breaker: false, ejection: false }`),
  ).upstreams;
  expect(u).toMatchObject({ via: false, retry: false, breaker: false, ejection: false });
  for (const key of ['dns', 'tls', 'hedge', 'health']) expect(u).not.toHaveProperty(key);
});

test('targets are written as origins, whatever their spelling', () => {
  const text = '{ targets: ["HTTP://Stock.Example:80/", "https://[0:0::1]:8443"] }';
  expect(resolved(upstream(text)).upstreams['u']?.targets).toEqual([
    'http://stock.example',
    'https://[::1]:8443',
  ]);
});

test('a route to an upstream takes every method, and the time of its upstream', () => {
  const { routes } = resolved(route('path: /a/*, upstream: u'));
  expect(routes).toEqual([
    {
      path: '/a/*',
      method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      upstream: 'u',
      timeoutMs: 10_000,
      maxBodyBytes: 1_048_576,
      requestHeaders: { set: {}, add: {}, remove: [] },
      responseHeaders: { set: {}, add: {}, remove: [] },
    },
  ]);
  expect(resolved(route('path: /a, upstream: u, timeoutMs: 7')).routes[0]?.timeoutMs).toBe(7);
});

const ORIGIN = 'expected an origin such as http://10.0.0.7:8080 or https://stock.example';

test.each([
  ['5', 'upstreams.u: expected an upstream, got 5'],
  ['{}', 'upstreams.u.targets: expected a list of 1 to 1000 targets, got nothing'],
  ['{ targets: [] }', 'upstreams.u.targets: expected a list of 1 to 1000 targets, got a list of 0'],
  ['{ targets: [a.example] }', `upstreams.u.targets[0]: ${ORIGIN}, got "a.example"`],
  [
    '{ targets: ["ftp://a.example"] }',
    `upstreams.u.targets[0]: ${ORIGIN}, got "ftp://a.example"; use http:// or https://`,
  ],
  [
    '{ targets: ["http://a.example/v2"] }',
    `upstreams.u.targets[0]: ${ORIGIN}, got "http://a.example/v2"; put the path into rewrite of the routes`,
  ],
  [
    '{ targets: ["http://me@a.example"] }',
    `upstreams.u.targets[0]: ${ORIGIN}, got "http://me@a.example"; set authorization in requestHeaders of the routes, not here`,
  ],
  [
    '{ targets: ["http://a.example?x"] }',
    `upstreams.u.targets[0]: ${ORIGIN}, got "http://a.example?x"; leave out all after the port`,
  ],
  [
    '{ targets: ["http://a.example", "http://A.example:80"] }',
    'upstreams.u.targets: expected every target once, got a list of 2',
  ],
  [
    `{ ${right}, dns: {} }`,
    'upstreams.u.dns: expected left out, as names are looked up again only with resolve: dns, got a mapping of 0 keys',
  ],
  [
    `{ ${right}, resolve: dns, dns: { minTtlMs: 9, maxTtlMs: 8 } }`,
    'upstreams.u.dns.maxTtlMs: expected at least minTtlMs, got 8',
  ],
  [
    `{ ${right}, resolve: dns, dns: { servers: [ns.example] } }`,
    'upstreams.u.dns.servers[0]: expected the address of a name server, such as 10.0.0.2 or [fd00::2]:53, got "ns.example"',
  ],
  [
    `{ ${right}, tls: {} }`,
    'upstreams.u.tls: expected left out, as no target begins with https://, got a mapping of 0 keys',
  ],
  [
    '{ targets: ["https://a.example"], tls: { cert: c.pem } }',
    'upstreams.u.tls.key: expected the file with the private key of cert, got nothing',
  ],
  [
    `{ ${right}, host: { fixed: "a/b" } }`,
    'upstreams.u.host.fixed: expected a host name or address, with its port if there is one, got "a/b"',
  ],
  [
    `{ ${right}, host: clinet }`,
    'upstreams.u.host: expected one of target, client, { fixed: a host name }, got "clinet"; did you mean "client"?',
  ],
  [
    `{ ${right}, via: "a b" }`,
    'upstreams.u.via: expected a name of letters, digits and -._~, or false, got "a b"',
  ],
  [`{ ${right}, retry: true }`, 'upstreams.u.retry: expected a retry, or false, got true'],
  [
    `{ ${right}, retry: { maxAtempts: 2 } }`,
    'upstreams.u.retry.maxAtempts: expected one of maxAttempts, statuses, backoff, maxRetryAfterMs, budget, got the key "maxAtempts"; did you mean "maxAttempts"?',
  ],
  [
    `{ ${right}, retry: { budget: { ratio: 2 } } }`,
    'upstreams.u.retry.budget.ratio: expected a ratio from 0 to 1, got 2',
  ],
  [
    `{ ${right}, breaker: { openMs: 9, maxOpenMs: 8 } }`,
    'upstreams.u.breaker.maxOpenMs: expected at least openMs, got 8',
  ],
  [
    `{ ${right}, hedge: {} }`,
    'upstreams.u.hedge.delayMs: expected delayMs, percentile or both, got nothing',
  ],
  [
    `{ ${right}, ejection: { baseMs: 9, maxMs: 8 } }`,
    'upstreams.u.ejection.maxMs: expected at least baseMs, got 8',
  ],
  [
    `{ ${right}, health: { path: healthz } }`,
    'upstreams.u.health.path: expected a path that starts with "/", without spaces, got "healthz"',
  ],
  [
    `{ ${right}, health: { path: /, intervalMs: 5, timeoutMs: 6, statuses: { from: 300, to: 200 } } }`,
    'upstreams.u.health.timeoutMs: expected at most intervalMs, got 6',
    'upstreams.u.health.statuses.to: expected at least from, got 200',
  ],
])('upstream %s: every problem is told', (text, ...problems) => {
  const told = problemsOf(upstream(text)).map((line) => line.replace(/^.*? {2}/, ''));
  expect(told).toEqual(problems);
});

test.each([
  ['path: /a, upstream: v', 'upstream: expected the name of an upstream (u), got "v"'],
  ['path: /a', 'handler: expected a handler, or an upstream in its place, got nothing'],
  [
    'path: /a, upstream: u, handler: ./a.ts, options: {}, pool: p, body: json, successStatus: 200',
    'handler: expected left out, as the upstream answers, got "./a.ts"',
    'options: expected left out beside upstream, as options are for handlers, got a mapping of 0 keys',
    'pool: expected left out beside upstream, as the upstream\'s connections and pending are the bounds, got "p"',
    'body: expected left out beside upstream, as bodies are passed on as they flow, got "json"',
    'successStatus: expected left out beside upstream, as targets set the status, got 200',
  ],
  [
    'path: /a, handler: ./a.ts, stripPrefix: /a, responseHeaders: {}',
    'stripPrefix: expected left out beside handler, as no path is passed on to it, got "/a"',
    'responseHeaders: expected left out beside handler, whose answer has no headers of its own, got a mapping of 0 keys',
  ],
  [
    'path: /a/b/:id, upstream: u, stripPrefix: /a/bc',
    'stripPrefix: expected a part of the path of the route that ends where a segment does, such as "/a/b", got "/a/bc"',
  ],
  [
    'path: /a/b/*, upstream: u, stripPrefix: /a/',
    'stripPrefix: expected a part of the path of the route that ends where a segment does, such as "/a/b", got "/a/"',
  ],
  [
    'path: /a/:id, upstream: u, stripPrefix: "/a/:id"',
    'stripPrefix: expected a part of the path of the route that ends where a segment does, such as "/a", got "/a/:id"',
  ],
  [
    'path: /*, upstream: u, stripPrefix: /a',
    'stripPrefix: expected left out, as the path of the route begins with no fixed segment, got "/a"',
  ],
  [
    'path: /a/:order, upstream: u, rewrite: "/b/:odrer"',
    'rewrite: expected no parameters but those of the path (order), got "/b/:odrer"; did you mean "order"?',
  ],
  [
    'path: /a/b, upstream: u, rewrite: /b/*',
    'rewrite: expected no parameters but those of the path (there is none), got "/b/*"',
  ],
  [
    'path: /a/*, upstream: u, rewrite: /*/b',
    'rewrite: expected a path with "*" only as its last segment, got "/*/b"; use :name for a single segment',
  ],
  [
    'path: /a/*, upstream: u, rewrite: /../b',
    'rewrite: expected a path without "." and ".." segments, got "/../b"',
  ],
  [
    'path: /a/*, upstream: u, stripPrefix: /a, rewrite: /b',
    'rewrite: expected left out beside stripPrefix, as each says what the path becomes, got "/b"',
  ],
  [
    'path: /a, upstream: u, requestHeaders: { set: { Host: x }, remove: [Connection] }',
    'requestHeaders.set.Host: expected a header\'s name that is not about the connection or the length; host is an option of the upstream, got "Host"',
    'requestHeaders.remove[0]: expected a header\'s name that is not about the connection or the length, got "Connection"',
  ],
  [
    'path: /a, upstream: u, responseHeaders: { add: { x-a: "1\\r\\nx-b: 2" } }',
    'responseHeaders.add.x-a: expected a header\'s value: text on one line, without space around it, got "1\\r\\nx-b: 2"',
  ],
  [
    'path: /a, upstream: u, responseHeaders: { set: { x-a: "1", X-A: "2" } }',
    'responseHeaders.set: expected every header once, got a mapping of 2 keys',
  ],
])('route %s: every problem is told', (text, ...problems) => {
  const told = problemsOf(route(text)).map((line) => line.replace(/^.*?routes\[0\]\./, ''));
  expect([...told].sort()).toEqual([...problems].sort());
});

test('what a route to an upstream answers, no other route may', () => {
  const text = route('path: /a, upstream: u').replace(
    /$/,
    '  - { path: /a, handler: builtin:digest, method: POST }\n',
  );
  expect(problemsOf(text)).toHaveLength(1);
});

test('a name in dns mode is looked up again between a second and a minute', () => {
  const { u } = resolved(upstream('{ targets: ["http://a.example"], resolve: dns }')).upstreams;
  expect(u?.dns).toEqual({ minTtlMs: 1000, maxTtlMs: 60_000, servers: [] });
});
