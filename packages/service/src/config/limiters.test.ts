import { expect, test } from 'vitest';

import { parseConfig } from './load.ts';
import { formatProblem } from './problems.ts';
import { resolveConfig } from './resolve.ts';
import type { ServiceConfig } from './schema.ts';

function problemsOf(text: string): readonly string[] {
  const result = parseConfig(text, { file: 'c.yaml' });
  return result.ok ? [] : result.problems.map(formatProblem);
}

function limitersOf(limiters: NonNullable<ServiceConfig['limiters']>): object {
  const result = resolveConfig({ limiters });
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result.config.limiters;
}

test('every algorithm has its own options, and the token bucket needs no name', () => {
  expect(
    limitersOf({
      bucket: { ratePerSecond: 2.5, initialTokens: 0, warmUpMs: 1000 },
      gcra: { algorithm: 'gcra', ratePerSecond: 2, capacity: 5 },
      leaky: { algorithm: 'leaky-bucket', ratePerSecond: 2 },
      window: { algorithm: 'sliding-window', limit: 100, windowMs: 60_000 },
      log: { algorithm: 'sliding-log', limit: 5, windowMs: 1500, legacyHeaders: true },
    }),
  ).toEqual({
    bucket: {
      algorithm: 'token-bucket',
      ratePerSecond: 2.5,
      capacity: 3,
      initialTokens: 0,
      warmUpMs: 1000,
      legacyHeaders: false,
    },
    gcra: { algorithm: 'gcra', ratePerSecond: 2, capacity: 5, legacyHeaders: false },
    leaky: { algorithm: 'leaky-bucket', ratePerSecond: 2, capacity: 2, legacyHeaders: false },
    window: { algorithm: 'sliding-window', limit: 100, windowMs: 60_000, legacyHeaders: false },
    log: { algorithm: 'sliding-log', limit: 5, windowMs: 1500, legacyHeaders: true },
  });
});

test('a limiter with a key has its bound, and each of its limits its burst', () => {
  const keys = { 'api-key:0123456789abcdefghij-_': 'pro' };
  expect(
    limitersOf({
      tenants: {
        ratePerSecond: 1,
        key: 'apiKey',
        overflow: { ratePerSecond: 4.5 },
        plans: { pro: { ratePerSecond: 10, capacity: 50 } },
        keys,
      },
    }),
  ).toMatchObject({
    tenants: {
      key: { apiKey: { header: 'x-api-key' } },
      maxKeys: 100_000,
      overflow: { ratePerSecond: 4.5, capacity: 5 },
      plans: { pro: { ratePerSecond: 10, capacity: 50 } },
      keys,
    },
  });
});

test.each([
  ['ip', 'ip'],
  ['route', 'route'],
  ['apiKey', { apiKey: { header: 'x-api-key' } }],
  [{ header: 'X-Tenant' }, { header: 'X-Tenant' }],
  [{ apiKey: {} }, { apiKey: { header: 'x-api-key' } }],
  [{ apiKey: { scheme: 'Bearer' } }, { apiKey: { header: 'authorization', scheme: 'Bearer' } }],
  [{ apiKey: { header: 'X-Key' } }, { apiKey: { header: 'X-Key' } }],
] as const)('the key %j means %j', (key, resolved) => {
  expect(limitersOf({ a: { ratePerSecond: 1, key } })).toMatchObject({ a: { key: resolved } });
});

const PROBLEMS: readonly (readonly [what: string, limiter: string, problem: string])[] = [
  [
    'an algorithm that there is not',
    '{ algorithm: sliding-windw, limit: 1, windowMs: 1 }',
    '2:23  limiters.a.algorithm: expected one of token-bucket, gcra, leaky-bucket, sliding-window, sliding-log, got "sliding-windw"; did you mean "sliding-window"?',
  ],
  [
    "another algorithm's option",
    '{ algorithm: sliding-log, limit: 1, windowMs: 1, ratePerSecond: 5 }',
    '2:74  limiters.a.ratePerSecond: expected nothing: a sliding-log does not have it, got 5; write limit and windowMs, or algorithm: token-bucket',
  ],
  [
    'a window for a bucket',
    '{ ratePerSecond: 5, windowMs: 1000 }',
    '2:40  limiters.a.windowMs: expected nothing: a token-bucket does not have it, got 1000; write ratePerSecond and capacity, or algorithm: sliding-window',
  ],
  [
    'a warm-up of what has none',
    '{ algorithm: gcra, ratePerSecond: 5, warmUpMs: 10 }',
    '2:57  limiters.a.warmUpMs: expected nothing: a gcra does not have it, got 10; leave it out, or write algorithm: token-bucket',
  ],
  [
    'a misspelt option, among those of its algorithm',
    '{ algorithm: sliding-window, limit: 1, window: 1000, windowMs: 1 }',
    '2:49  limiters.a.window: expected one of algorithm, limit, windowMs, key, maxKeys, overflow, plans, keys, legacyHeaders, got the key "window"; did you mean "windowMs"?',
  ],
  [
    'initial tokens of a limiter with a key',
    '{ ratePerSecond: 5, initialTokens: 1, key: ip }',
    '2:45  limiters.a.initialTokens: expected nothing beside a key: a client that was forgotten starts full again, got 1',
  ],
  [
    'initial tokens above the capacity',
    '{ ratePerSecond: 5, initialTokens: 6 }',
    '2:45  limiters.a.initialTokens: expected at most the capacity, got 6',
  ],
  [
    'a bound of keys without a key',
    '{ ratePerSecond: 5, maxKeys: 10 }',
    '2:39  limiters.a.maxKeys: expected nothing without a key, which gives each client a limit of its own, got 10',
  ],
  [
    'a key that there is not',
    '{ ratePerSecond: 5, key: adress }',
    '2:35  limiters.a.key: expected one of ip, route, apiKey, { header: X-Tenant }, { apiKey: { header, scheme } }, got "adress"',
  ],
  [
    'a key by a header that has no name',
    '{ ratePerSecond: 5, key: { header: "a b" } }',
    '2:45  limiters.a.key.header: expected the name of a header, got "a b"',
  ],
  [
    'a plan that there is not',
    '{ ratePerSecond: 5, key: ip, plans: { pro: { ratePerSecond: 9 } }, keys: { 192.0.2.7: por } }',
    '2:96  limiters.a.keys["192.0.2.7"]: expected the name of a plan (pro), got "por"; did you mean "pro"?',
  ],
  [
    "a plan with another algorithm's options",
    '{ ratePerSecond: 5, key: ip, plans: { pro: { limit: 9 } } }',
    '2:53  limiters.a.plans.pro.ratePerSecond: expected a number above 0 and at most 1000000000, got nothing',
  ],
];

test.each(PROBLEMS)('%s is told with its place', (_, limiter, problem) => {
  expect(problemsOf(`limiters:\n  a:     ${limiter}\n`)).toContain(`c.yaml:${problem}`);
});

test('an API key that stands in the configuration is refused, and not repeated', () => {
  const secret = 'sk_live_51Hx';
  const problems = problemsOf(
    `limiters:\n  a:\n    ratePerSecond: 1\n    key: apiKey\n    plans: { pro: { ratePerSecond: 9 } }\n    keys: { ${secret}: pro }\n`,
  );
  expect(problems).toEqual([
    'c.yaml:6:11  limiters.a.keys: expected api-key: and the first 22 characters of the SHA-256 in base64url, never an API key itself, got 1 other of 1',
  ]);
});

test.each([
  ['ip', ['192.0.2.7', '2001:db8:0:1::/64'], ['192.0.2.07', '2001:db8:0:1::', '10.0.0.0/8']],
  ['{ header: X-Tenant }', ['x-tenant=acme', 'x-tenant'], ['acme', 'X-Tenant=acme']],
  ['route', ['"GET /orders/:id"'], ['/orders']],
  ['apiKey', ['api-key:0123456789abcdefghij-_', 'no-api-key'], ['api-key:secret']],
])('with the key %s only keys that it makes are given a plan', (key, right, wrong) => {
  const assigning = (text: string): readonly string[] =>
    problemsOf(
      `limiters: { a: { ratePerSecond: 1, key: ${key}, plans: { pro: { ratePerSecond: 9 } }, keys: { ${text.startsWith('"') ? text : `"${text}"`}: pro } } }`,
    );
  expect(right.filter((text) => assigning(text).length > 0)).toEqual([]);
  expect(wrong.filter((text) => assigning(text).length === 0)).toEqual([]);
});

test.each([
  [
    '[pubic, public]',
    '3:43  routes[0].limiter[0]: expected the name of a limiter (public), got "pubic"; did you mean "public"?',
  ],
  ['[public, public]', '3:42  routes[0].limiter: expected every limiter once, got a list of 2'],
  ['[]', '3:42  routes[0].limiter: expected at least one limiter, got a list of 0'],
  ['5', '3:42  routes[0].limiter: expected the name of a limiter, or a list of them, got 5'],
])('the limiters %s of a route are refused', (limiter, problem) => {
  const text = `limiters: { public: { ratePerSecond: 1 } }\nroutes:\n  - { path: /, handler: ./a.ts, limiter: ${limiter} }\n`;
  expect(problemsOf(text)).toEqual([`c.yaml:${problem}`]);
});

test.each(['10.0.0.0/33', 'proxy.internal', '10.0.0.1:80', ''])(
  'the trusted proxy %j is refused',
  (proxy) => {
    expect(problemsOf(`server:\n  trustedProxies: [loopback, "${proxy}"]\n`)).toEqual([
      `c.yaml:2:30  server.trustedProxies[1]: expected an IP address, a CIDR block such as 10.0.0.0/8, loopback or private, got "${proxy}"`,
    ]);
  },
);
