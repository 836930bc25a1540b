import { expect, test } from 'vitest';

import { resolveConfig, type ServiceConfig } from '../config/index.ts';
import { startScreen } from './start-screen.ts';

function screenOf(given: ServiceConfig): readonly string[] {
  const resolution = resolveConfig(given as never);
  if (!resolution.ok) throw new Error(JSON.stringify(resolution.problems));
  return startScreen(resolution.config, 'http://localhost:8080').split('\n');
}

test('every route is shown with what it goes through, in order', () => {
  const screen = screenOf({
    limiters: {
      public: { ratePerSecond: 2.5 },
      client: { algorithm: 'sliding-window', limit: 9, windowMs: 60_000, key: 'ip' },
    },
    breakers: { orders: {} },
    pools: { io: { size: 3, queue: 4 } },
    routes: [
      {
        path: '/a',
        limiter: ['client', 'public'],
        breaker: 'orders',
        pool: 'io',
        handler: './a.ts#read',
      },
      { method: ['POST', 'PUT'], path: '/longer', handler: () => undefined },
    ],
  });
  expect(screen.slice(3, 6)).toEqual([
    '  GET /a            9 per min per ip → 2.5/s (burst 3) → breaker orders → 3 lanes (queue 4) → ./a.ts#read',
    '  POST,PUT /longer  100 lanes (queue 1000) → handler',
    '  operations        /livez  /readyz  /metrics  /stats',
  ]);
});

test('a route to an upstream is shown with how many targets that has', () => {
  const screen = screenOf({
    breakers: { stock: {} },
    upstreams: {
      one: { targets: ['http://10.0.0.7:8080'] },
      two: { targets: ['http://10.0.0.7:8080', 'http://10.0.0.8:8080'] },
    },
    routes: [
      { path: '/stock/*', upstream: 'two', breaker: 'stock' },
      { method: 'GET', path: '/a', upstream: 'one' },
    ],
  });
  expect(screen.slice(3, 5)).toEqual([
    '  ANY /stock/*  breaker stock → upstream two (2 targets)',
    '  GET /a        upstream one (1 target)',
  ]);
});

test('what to try next fits the routes that there are', () => {
  const post = screenOf({ routes: [{ method: 'POST', path: '/a', handler: () => undefined }] });
  expect(post).toContain('  Try it:     curl -i -X POST http://localhost:8080/a');
  expect(post).toContain(
    '  Load it:    npx sluice load http://localhost:8080/a --rate 1000 --method POST',
  );
  expect(screenOf({}).join('\n')).toContain('There are no routes yet.');
});

test('a pool called default is shown where a route names none', () => {
  const screen = screenOf({
    pools: { default: { size: 7, queue: 8 } },
    routes: [{ path: '/a', handler: () => undefined }],
  });
  expect(screen[3]).toBe('  GET /a      7 lanes (queue 8) → handler');
});
