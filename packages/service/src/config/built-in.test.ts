import { expect, test } from 'vitest';

import { builtInConfig, builtInText } from './built-in.ts';

test('the built-in configuration is a right one: two routes behind limiter, breaker and pools', () => {
  const result = builtInConfig();
  expect(result).toMatchObject({
    ok: true,
    config: {
      server: { port: 8080 },
      limiters: { public: { ratePerSecond: 100, capacity: 1000 } },
      breakers: { endpoint: { consecutiveFailures: 5, failureRateThreshold: 0.5 } },
      pools: { io: { size: 10, queue: 1000 }, digest: { size: 4, queue: 100 } },
      routes: [
        {
          method: ['GET'],
          path: '/api/endpoint',
          options: { durationMs: 100 },
          breaker: 'endpoint',
          pool: 'io',
        },
        {
          method: ['POST'],
          path: '/api/digest',
          body: 'stream',
          maxBodyBytes: 104_857_600,
          pool: 'digest',
        },
      ],
    },
  });
});

test('it says the same to everybody: nothing in it comes from the environment', () => {
  expect(builtInText).not.toContain('${');
});
