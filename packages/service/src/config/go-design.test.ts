import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { builtInConfig } from './built-in.ts';
import { parseConfig } from './load.ts';
import { formatProblem } from './problems.ts';
import type { ResolvedConfig } from './schema.ts';

function read(document: object): ResolvedConfig<never> {
  const result = parseConfig(JSON.stringify(document), { file: 'config.json' });
  if (result.ok) return result.config;
  throw new Error(result.problems.map(formatProblem).join('\n'));
}

function problemsOf(document: object): readonly string[] {
  const result = parseConfig(JSON.stringify(document), { file: 'config.json' });
  return result.ok ? [] : result.problems.map(formatProblem);
}

test('the six keys mean the service of the Go design', () => {
  const config = read({
    port: ':9090',
    worker_pool_size: 20,
    max_workers: 50,
    failure_threshold: 3,
    timeout_seconds: 10,
    rate_limit: 500,
  });
  expect(config.server.port).toBe(9090);
  expect(config.limiters).toEqual({
    public: {
      algorithm: 'token-bucket',
      ratePerSecond: 500,
      capacity: 1000,
      legacyHeaders: false,
    },
  });
  expect(config.breakers['endpoint']).toMatchObject({
    consecutiveFailures: 3,
    openMs: 10_000,
    maxOpenMs: 10_000,
  });
  expect(config.pools).toEqual({ io: { kind: 'workers', size: 20, queue: 1000 } });
  expect(config.routes).toMatchObject([
    {
      method: ['GET'],
      path: '/api/endpoint',
      handler: 'builtin:simulated-work',
      options: { durationMs: 100 },
      limiter: ['public'],
      breaker: 'endpoint',
      pool: 'io',
    },
  ]);
});

test('its port is a number, a text, or a text with a colon', () => {
  for (const port of [8081, '8081', ':8081']) expect(read({ port }).server.port).toBe(8081);
  const env = { PORT: ':8082' };
  const result = parseConfig('{"port": "${PORT}"}', { file: 'config.json', env });
  expect(result).toMatchObject({ ok: true, config: { server: { port: 8082 } } });
});

test('what it leaves out is as in the built-in configuration', () => {
  const loaded = builtInConfig();
  if (!loaded.ok) throw new Error('the built-in configuration is wrong');
  const { config: builtIn } = loaded;
  const config = read({ port: 8080 });
  expect(config.server).toEqual(builtIn.server);
  expect(config.limiters).toEqual(builtIn.limiters);
  expect(config.pools['io']).toEqual(builtIn.pools['io']);
  expect(config.routes).toEqual(builtIn.routes.slice(0, 1));
  const { openMs, maxOpenMs, consecutiveFailures } = builtIn.breakers['endpoint'] ?? {};
  expect(config.breakers['endpoint']).toMatchObject({ openMs, maxOpenMs, consecutiveFailures });
});

test('its breaker opens for failures in a row alone: a failure rate opens it no sooner', () => {
  const { failureRateThreshold, minimumCalls } =
    read({ failure_threshold: 40 }).breakers['endpoint'] ?? {};
  expect(failureRateThreshold).toBe(1);
  expect(minimumCalls).toBe(40);
});

test('max_workers bounds the lanes', () => {
  expect(read({ max_workers: 4 }).pools['io']?.size).toBe(4);
  expect(read({ max_workers: 200 }).pools['io']?.size).toBe(10);
  expect(problemsOf({ worker_pool_size: 20, max_workers: 10 })).toEqual([
    'config.json:1:21  worker_pool_size: expected at most max_workers, got 20',
  ]);
});

test('its problems are told in its own names', () => {
  const wrong = {
    port: '80800',
    max_workers: '10',
    rate_limit: 0,
    rate_limits: 1,
    timeout_seconds: -1,
  };
  expect(problemsOf(wrong)).toEqual([
    'config.json:1:9  port: expected a port from 0 to 65535, as 8080, "8080" or ":8080", got "80800"',
    'config.json:1:31  max_workers: expected an integer from 1 to 100000, got "10"; write it without quotes',
    'config.json:1:49  rate_limit: expected a number above 0 and at most 1000000000, got 0',
    'config.json:1:51  rate_limits: expected one of port, worker_pool_size, max_workers, failure_threshold, timeout_seconds, rate_limit, got the key "rate_limits"; did you mean "rate_limit"?',
    'config.json:1:85  timeout_seconds: expected a number above 0 and at most 2147483, got -1',
  ]);
});

test('beside sections each of the six keys is told where it belongs, and the sections are checked', () => {
  expect(problemsOf({ port: 8080, rate_limit: 5, log: { level: 'inof' } })).toEqual([
    'config.json:1:2  port: expected either sections or the six keys of the Go design, not both, got the key "port" beside log; write server.port',
    'config.json:1:14  rate_limit: expected either sections or the six keys of the Go design, not both, got the key "rate_limit" beside log; write limiters.<name>.ratePerSecond',
    'config.json:1:44  log.level: expected one of trace, debug, info, warn, error, fatal, silent, got "inof"; did you mean "info"?',
  ]);
});

test('whatever is right in its six keys is right as a whole', () => {
  const document = fc.record(
    {
      port: fc.integer({ min: 0, max: 65_535 }).map((port) => `:${port}`),
      worker_pool_size: fc.integer({ min: 1, max: 100_000 }),
      max_workers: fc.constant(100_000),
      failure_threshold: fc.integer({ min: 1, max: 1_000_000 }),
      timeout_seconds: fc.double({ min: Number.MIN_VALUE, max: 2_147_483, noNaN: true }),
      rate_limit: fc.double({ min: Number.MIN_VALUE, max: 1e9, noNaN: true }),
    },
    { requiredKeys: ['port'], noNullPrototype: true },
  );
  fc.assert(
    fc.property(document, (given) => {
      expect(problemsOf(given)).toEqual([]);
    }),
  );
});
