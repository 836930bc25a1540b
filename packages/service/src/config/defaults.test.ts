import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { resolveConfig } from './resolve.ts';
import type { ResolvedConfig, ServiceConfig } from './schema.ts';
import type { ResolvedUpstream, ResolvedUpstreamRetry } from './sections/index.ts';

/** Every key of an interface `…Config`, with the default that its docstring names. */
function documentedDefaults(): ReadonlyMap<string, string> {
  const folder = join(import.meta.dirname, 'sections');
  const sources = readdirSync(folder).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  );
  const found = new Map<string, string>();
  for (const source of sources.map((name) => readFileSync(join(folder, name), 'utf8'))) {
    for (const [, name = '', body = ''] of source.matchAll(
      /interface (\w+)Config\b[^{]*\{(.*?)\n\}/gs,
    )) {
      for (const [, docs = '', key = ''] of body.matchAll(
        /\/\*\*((?:(?!\*\/).)*)\*\/\s*readonly (\w+)\?:/gs,
      )) {
        const [, text] = /@default\s+(.*)/.exec(docs.replaceAll(/\s*\n\s*\*?\s*/g, ' ')) ?? [];
        found.set(`${name}.${key}`, text?.trim() ?? 'not named');
      }
    }
  }
  return found;
}

const minimal: ServiceConfig<never> = {
  limiters: {
    l: { ratePerSecond: 2.5 },
    k: { ratePerSecond: 2.5, key: 'ip' },
    s: { algorithm: 'sliding-window', limit: 1, windowMs: 1 },
  },
  breakers: { b: {}, w: { slidingWindow: { type: 'time' } } },
  pools: { p: {} },
  upstreams: {
    s: { targets: ['http://a.example'] },
    u: {
      targets: ['https://a.example'],
      resolve: 'dns',
      tls: {},
      hedge: { delayMs: 1 },
      health: { path: '/' },
    },
  },
  routes: [
    { path: '/x', handler: './x.ts' },
    { path: '/y', upstream: 'u', requestHeaders: {} },
  ],
};

function resolved(): ResolvedConfig<never> {
  const result = resolveConfig(minimal);
  if (!result.ok) throw new Error(result.problems[0]?.path);
  return result.config;
}

test('every default is the one that its docstring names', () => {
  const { server, limiters, breakers, pools, upstreams, routes, log, shutdown } = resolved();
  const { u } = upstreams;
  const retry = (u as ResolvedUpstream).retry as ResolvedUpstreamRetry;
  const actual: Record<string, unknown> = {
    Server: server,
    TokenBucket: limiters['l'],
    Meter: limiters['l'],
    LimiterClients: limiters['k'],
    SlidingLimiter: limiters['s'],
    Breaker: breakers['b'],
    TimeWindow: breakers['w']?.slidingWindow,
    Pool: pools['p'],
    CommonRoute: routes[0],
    HandlerRoute: routes[0],
    UpstreamRoute: routes[1],
    HeaderEdits: routes[1]?.upstream && routes[1].requestHeaders,
    Upstream: upstreams['s'],
    UpstreamDns: u?.dns,
    UpstreamTls: u?.tls,
    UpstreamRetry: retry,
    UpstreamRetryBudget: retry.budget,
    UpstreamHedge: u?.hedge,
    Ejection: u?.ejection,
    Health: u?.health,
    Log: log,
    Shutdown: shutdown,
  };
  const computed = [
    'ratePerSecond, rounded up',
    'server.maxBodyBytes',
    'permittedCallsInHalfOpen',
    'none',
    'all of them',
    "the upstream's",
    'off',
    "the limiter's own, with a key",
    "'x-api-key', or 'authorization' when there is a scheme",
  ];
  let compared = 0;
  for (const [name, text] of documentedDefaults()) {
    const [section = '', key = ''] = name.split('.');
    if (computed.includes(text) || text.startsWith('none: ')) continue;
    const value = (actual[section] as Record<string, unknown>)[key];
    const literal = text
      .replace(/, (?:or|with) .*/, '')
      .replaceAll("'", '"')
      .replaceAll(/(\w+):/g, '"$1":');
    const expected: unknown = key === 'method' ? ['GET'] : undefined;
    expect(value, `for ${name}`).toEqual(expected ?? JSON.parse(literal));
    compared++;
  }
  expect(compared).toBeGreaterThan(60);
});

test('a default that depends on another key follows it', () => {
  const { limiters, breakers, routes, server } = resolved();
  expect(limiters['l']).toMatchObject({ capacity: 3 });
  expect(limiters['l']).not.toHaveProperty('maxKeys');
  expect(breakers['b']).not.toHaveProperty('consecutiveFailures');
  expect(breakers['b']?.requiredSuccesses).toBe(breakers['b']?.permittedCallsInHalfOpen);
  expect(routes[0]?.maxBodyBytes).toBe(server.maxBodyBytes);
  expect(routes[0]).not.toHaveProperty('limiter');
});

test('a success rate becomes the failure rate that it is the complement of, and a backoff has its own cap', () => {
  const openMs = { type: 'constant', delayMs: 70 } as const;
  const result = resolveConfig({
    ...minimal,
    breakers: { b: { successRateThreshold: 0.7, openMs } },
  });
  if (!result.ok) throw new Error(result.problems[0]?.path);
  const { b } = result.config.breakers;
  expect(b).toMatchObject({ failureRateThreshold: 0.3, openMs });
  expect(b).not.toHaveProperty('successRateThreshold');
  expect(b).not.toHaveProperty('maxOpenMs');
});
