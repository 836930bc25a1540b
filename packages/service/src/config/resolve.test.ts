import { CircuitBreaker, TokenBucket, WorkerPool } from '@sluice/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';

import { parseConfig } from './load.ts';
import { formatProblem } from './problems.ts';
import { resolveConfig } from './resolve.ts';
import type { ResolvedConfig, ServiceConfig } from './schema.ts';
import { patternOf } from './sections/index.ts';

const MAX_MS = 2_147_483_647;

const some = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const integer = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });
const number = (max: number): fc.Arbitrary<number> =>
  fc.double({ min: Number.MIN_VALUE, max, noNaN: true });
const name = fc.stringMatching(/^[A-Za-z0-9][\w-]{0,10}$/);
const named = <T>(entry: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc.dictionary(name, entry, { maxKeys: 3, noNullPrototype: true });

const server = fc
  .record({
    port: some(integer(0, 65_535)),
    header: some(integer(1, MAX_MS)),
    more: some(integer(0, 1000)),
  })
  .map(({ port, header, more }) => ({
    port,
    headersTimeoutMs: header,
    requestTimeoutMs: more === undefined ? undefined : Math.min(MAX_MS, (header ?? 1) + more),
  }));
const rate = { ratePerSecond: number(1e9), capacity: some(integer(1, 1e9)) };
const window = { limit: integer(1, 1e6), windowMs: integer(1, 1e9) };
const clients = <L>(limit: fc.Arbitrary<L>) =>
  fc.oneof(
    fc.record({ legacyHeaders: some(fc.boolean()) }),
    fc.record({
      key: fc.constantFrom(
        'ip' as const,
        'route' as const,
        'apiKey' as const,
        { header: 'X-Tenant' },
        { apiKey: { scheme: 'Bearer' } },
      ),
      maxKeys: some(integer(1, 1e6)),
      overflow: some(limit),
      plans: some(named(limit)),
    }),
  );
const limiter = fc.oneof(
  fc
    .tuple(
      fc.record({
        algorithm: fc.constantFrom(undefined, 'token-bucket' as const, 'gcra' as const),
        ...rate,
      }),
      clients(fc.record(rate)),
    )
    .map(([limit, more]) => ({ ...limit, ...more })),
  fc
    .tuple(
      fc.record({
        algorithm: fc.constantFrom('sliding-window' as const, 'sliding-log' as const),
        ...window,
      }),
      clients(fc.record(window)),
    )
    .map(([limit, more]) => ({ ...limit, ...more })),
);
const slidingWindow = fc.oneof(
  fc.record({
    type: fc.constant('time' as const),
    durationMs: some(integer(1, MAX_MS)),
    buckets: some(integer(1, 100)),
  }),
  fc.record({ type: fc.constant('count' as const), size: integer(1, 1000) }),
);
const backoff = fc.oneof(
  fc.record({ type: fc.constant('constant' as const), delayMs: integer(1, MAX_MS) }),
  fc.record({
    type: fc.constant('exponential' as const),
    baseMs: integer(1, 1000),
    factor: some(fc.integer({ min: 1, max: 5 })),
    maxMs: some(integer(1000, MAX_MS)),
    jitter: some(fc.constantFrom('none' as const, 'full' as const, 'equal' as const)),
  }),
  fc.record({
    type: fc.constant('decorrelated-jitter' as const),
    maxMs: some(integer(128, MAX_MS)),
  }),
);
const breaker = fc
  .record({
    consecutiveFailures: some(integer(1, 1000)),
    failureRateThreshold: some(number(1)),
    successRateThreshold: some(fc.constantFrom(0, 0.3, 0.7)),
    slowCallDurationMs: some(integer(1, MAX_MS)),
    slowCallRateThreshold: some(number(1)),
    confidence: some(number(10)),
    rampMs: some(integer(0, MAX_MS)),
    slidingWindow: some(slidingWindow),
    minimumCalls: some(integer(1, 1000)),
    openMs: some(fc.oneof(integer(1, MAX_MS), backoff)),
    maxHalfOpenMs: some(integer(1, MAX_MS)),
    permittedCallsInHalfOpen: some(integer(1, 50)),
    requiredSuccesses: some(integer(1, 3)),
  })
  .filter((b) => b.failureRateThreshold === undefined || b.successRateThreshold === undefined)
  .filter((b) => b.slowCallDurationMs !== undefined || b.slowCallRateThreshold === undefined)
  .filter(({ slidingWindow: w, minimumCalls = 1 }) => w?.type !== 'count' || minimumCalls <= w.size)
  .filter(
    ({ permittedCallsInHalfOpen = 3, requiredSuccesses = 1 }) =>
      requiredSuccesses <= permittedCallsInHalfOpen,
  );
const pool = fc.record({ size: some(integer(1, 1000)), queue: some(integer(0, 1000)) });
const method = fc.constantFrom('GET' as const, 'POST' as const, 'PUT' as const);
const hedge = fc.record({
  delayMs: integer(1, 1000),
  percentile: some(fc.constantFrom(0.5, 0.95)),
  maxDelayMs: some(integer(1, 1000)),
  budgetRatio: some(number(1)),
});
const upstream = fc
  .record({
    targets: fc.uniqueArray(fc.webAuthority(), { minLength: 1, maxLength: 3 }),
    resolve: some(fc.constantFrom('static' as const, 'dns' as const)),
    connections: some(integer(1, 10_000)),
    timeoutMs: some(integer(1, MAX_MS)),
    host: some(fc.constantFrom('client' as const, { fixed: 'stock.internal:80' })),
    via: some(fc.constantFrom(false as const, 'edge')),
    retry: some(
      fc.constantFrom(false as const, {}, { budget: false as const }, { maxAttempts: 2 }),
    ),
    hedge: some(hedge),
    breaker: some(fc.oneof(fc.constant(false as const), breaker)),
    ejection: some(fc.oneof(fc.constant(false as const), fc.record({ baseMs: integer(1, 1e9) }))),
    health: some(fc.record({ path: fc.constant('/healthz'), intervalMs: some(integer(1, 5000)) })),
    tls: some(fc.record({ ca: some(fc.constant('./ca.pem')), verify: some(fc.boolean()) })),
  })
  .map((all) => ({ ...all, targets: [...new Set(all.targets.map(originOf))] }));

/** Of arbitrary authorities: two may be of one origin. */
function originOf(authority: string): string {
  return new URL(`https://${authority.replace(/^.*@/, '').replace(/:0*$/, '')}`).origin;
}

const route = fc.record({
  method: some(fc.oneof(method, fc.uniqueArray(method, { minLength: 1 }))),
  path: fc.stringMatching(/^\/[a-z]{1,3}(?:\/:[a-z]{1,3})?$/),
  handler: fc.constantFrom('builtin:digest', 'builtin:simulated-work', './a.ts#b'),
  timeoutMs: some(integer(1, MAX_MS)),
  body: some(fc.constantFrom('json' as const, 'stream' as const)),
  maxBodyBytes: some(integer(1, 1e9)),
  successStatus: some(integer(200, 299)),
});

/** As a route names them: none, one, or a list. */
const fewOf = (names: readonly string[]): string | readonly string[] | undefined =>
  names.length > 1 ? names : names[0];

/** Right configurations: routes differ by their patterns, and name what there is. */
const config: fc.Arbitrary<ServiceConfig<never>> = fc
  .record({
    server: some(server),
    limiters: named(limiter),
    breakers: named(breaker),
    pools: named(pool),
    upstreams: named(upstream),
    passed: fc.record({
      rewrite: some(fc.constantFrom('/v2/:id', '/')),
      requestHeaders: some(fc.constant({ set: { 'x-a': '1' }, remove: ['cookie'] })),
      timeoutMs: some(integer(1, MAX_MS)),
    }),
    routes: fc.uniqueArray(route, { maxLength: 4, selector: ({ path }) => patternOf(path) }),
    shutdown: some(fc.record({ delayMs: integer(0, 100), timeoutMs: integer(101, MAX_MS) })),
  })
  .map(({ passed, ...all }) => {
    const shared = {
      limiter: fewOf(Object.keys(all.limiters)),
      breaker: Object.keys(all.breakers)[0],
    };
    const handled = all.routes.map((one) => {
      return { ...one, ...shared, pool: Object.keys(all.pools)[0] };
    });
    const upstreams = Object.keys(all.upstreams).map((one, index) => {
      return { ...passed, ...shared, upstream: one, path: `/upstreams/${index}/:id` };
    });
    return { ...all, routes: [...handled, ...upstreams] };
  });

function resolved<H>(given: ServiceConfig<H>): ResolvedConfig<H> {
  const result = resolveConfig<H>(given);
  if (result.ok) return result.config;
  throw new Error(result.problems.map(formatProblem).join('\n'));
}

test('a right configuration is taken, and resolves to what resolves to itself', () => {
  fc.assert(
    fc.property(config, (given) => {
      const before = structuredClone(given);
      const once = resolved(given);
      expect(resolved(once)).toEqual(once);
      expect(given).toEqual(before);
    }),
  );
});

test('a configuration means the same in code, in YAML and in JSON', () => {
  fc.assert(
    fc.property(config, (given) => {
      const expected = { ok: true, config: resolved(given) };
      expect(parseConfig(stringify(given), { file: 'a.yaml' })).toMatchObject(expected);
      expect(parseConfig(JSON.stringify(given), { file: 'a.json' })).toMatchObject(expected);
    }),
  );
});

test('the policies take every configuration that was taken', () => {
  fc.assert(
    fc.property(config, (given) => {
      const { limiters, breakers, pools } = resolved(given);
      for (const options of Object.values(limiters)) {
        if ('limit' in options) continue;
        const { ratePerSecond, capacity } = options;
        const stats = new TokenBucket({ ratePerSecond, capacity }).stats();
        expect(stats).toMatchObject({ ratePerSecond, capacity });
      }
      for (const options of Object.values(breakers)) {
        expect(new CircuitBreaker(options).stats()).toMatchObject({ state: 'closed' });
      }
      for (const { size, queue } of Object.values(pools)) {
        const stats = new WorkerPool({ size, queue }).stats();
        expect(stats).toMatchObject({ size, queueCapacity: queue });
      }
    }),
  );
});

test('what resolves is frozen to the bottom', () => {
  const isFrozen = (value: unknown): boolean =>
    typeof value !== 'object' ||
    value === null ||
    (Object.isFrozen(value) && Object.values(value).every(isFrozen));
  fc.assert(fc.property(config, (given) => isFrozen(resolved(given))));
});

test('in code a handler is a function, which stays the same one', () => {
  const handler = (request: { readonly id: string }): string => request.id;
  const { routes } = resolved({ routes: [{ path: '/x', handler, options: { retries: 3 } }] });
  expect(routes[0]?.handler).toBe(handler);
  expect(routes[0]).toMatchObject({ options: { retries: 3 } });
});

test('the caller’s own objects in a handler’s options are neither copied nor frozen', () => {
  const cache = new Map();
  const options = { cache, nested: { list: [1] } };
  const { routes } = resolved({ routes: [{ path: '/x', handler: () => 0, options }] });
  const [first] = routes;
  expect(first?.upstream === undefined && first?.options['cache']).toBe(cache);
  expect(Object.isFrozen(options.nested.list)).toBe(false);
});

test('in code, too, every problem is told at once, without a place', () => {
  const wrong = {
    server: { port: -1, prot: 1 },
    limiters: { public: { ratePerSecond: 0 } },
    routes: [{ path: '/x', handler: 5, limiter: 'pubic' }],
  };
  const result = resolveConfig(wrong as never);
  expect(result.ok ? [] : result.problems.map(formatProblem)).toEqual([
    'server.port: expected an integer from 0 to 65535, got -1',
    'server.prot: expected one of host, port, maxConnections, maxBodyBytes, maxHeaderBytes, headersTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs, trustedProxies, got the key "prot"; did you mean "port"?',
    'limiters.public.ratePerSecond: expected a number above 0 and at most 1000000000, got 0',
    'routes[0].handler: expected a function, ./file.ts#exportName or one of builtin:simulated-work, builtin:digest, got 5',
    'routes[0].limiter: expected the name of a limiter (public), got "pubic"; did you mean "public"?',
  ]);
});

test('what is no configuration at all is told as well', () => {
  for (const given of [undefined, null, 5, 'x', [], () => 0]) {
    const result = resolveConfig(given as never);
    expect(result).toMatchObject({ ok: false, problems: [{ path: '' }] });
  }
});

test('any value is taken or refused', () => {
  const key = fc.constantFrom(
    'server',
    'limiters',
    'breakers',
    'pools',
    'upstreams',
    'routes',
    'log',
    'shutdown',
    'x',
  );
  fc.assert(
    fc.property(fc.dictionary(key, fc.anything({ maxDepth: 4 })), (given) => {
      const result = resolveConfig(given as never);
      expect(result.ok || result.problems.length > 0).toBe(true);
    }),
    { numRuns: 300 },
  );
});
