import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { InvalidOptionsError, PoolStoppedError } from '@sluice/core';
import { ManualClock } from '@sluice/core/testing';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';

import { createService, type Handler, type ServiceConfig } from '../src/index.ts';
import { ask } from './support/ask.ts';
import { folderWith } from './support/folder.ts';
import { listening } from './support/listening.ts';
import { runScript } from './support/service-process.ts';
import { until } from './support/until.ts';

const local = { host: '127.0.0.1', port: 0 };
const silent = { level: 'silent' } as const;
const plain: ServiceConfig<Handler> = {
  server: local,
  log: silent,
  routes: [{ path: '/', handler: () => 'served' }],
};

test('await using stops the service at the end of its block', async () => {
  let url;
  {
    await using service = createService(plain);
    url = await service.start();
    expect(await (await ask(url)).text()).toBe('served');
    expect(service.state).toBe('ready');
  }
  await expect(ask(url)).rejects.toThrow('fetch failed');
});

test('start and stop answer the same when they are asked again', async () => {
  const service = createService(plain);
  expect(service.state).toBe('new');
  const starts = [service.start(), service.start()];
  expect(service.state).toBe('starting');
  expect(new Set(await Promise.all(starts)).size).toBe(1);
  const stops = [service.stop(), service.stop()];
  expect(service.state).toBe('draining');
  const [first, second] = await Promise.all(stops);
  expect(first).toBe(second);
  expect(await service.stop()).toBe(first);
  expect(service.state).toBe('stopped');
});

test('a service that was stopped cannot be started, also if it never ran', async () => {
  const service = createService(plain);
  expect(await service.stop()).toEqual({ endedEarly: 0, cut: 0, durationMs: 0 });
  await expect(service.start()).rejects.toThrow(PoolStoppedError);
  expect(service.state).toBe('stopped');
});

test('a service that is stopped while it starts has stopped when stop is done', async () => {
  const service = createService(plain);
  const starting = service.start();
  await service.stop();
  expect(service.state).toBe('stopped');
  await expect(ask(await starting)).rejects.toThrow('fetch failed');
});

test('a start that fails leaves nothing open, and stop still works', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void holder.close());
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  const service = createService({ ...plain, server: { host: '127.0.0.1', port } });
  await expect(service.start()).rejects.toMatchObject({ code: 'EADDRINUSE', port });
  expect(service.state).toBe('stopped');
  expect(await service.stop()).toEqual({ endedEarly: 0, cut: 0, durationMs: 0 });
});

test('everything that is wrong with a configuration is told at once', () => {
  const config = {
    server: { port: -1 },
    routes: [
      { path: 'nowhere', handler: 'builtin:nothing' },
      { path: '/stats', handler: () => 1, pool: 'none' },
    ],
  };
  let thrown: unknown;
  try {
    createService(config);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(InvalidOptionsError);
  expect((thrown as InvalidOptionsError).problems.map(({ option }) => option)).toEqual([
    'server.port',
    'routes[0].path',
    'routes[0].handler',
    'routes[1].path',
    'routes[1].pool',
  ]);
});

test('handlers in files are found in the folder given, and the missing ones told at the start', async () => {
  const folder = await folderWith({ 'orders.mjs': 'export const read = () => "read";' });
  const { url } = await listening(
    { routes: [{ path: '/', handler: './orders.mjs#read' }] },
    { folder },
  );
  expect(await (await ask(url)).text()).toBe('read');
  const wrong = createService(
    { ...plain, routes: [{ path: '/', handler: './orders.mjs#write' }] },
    { folder },
  );
  await expect(wrong.start()).rejects.toThrow(
    'routes[0].handler must be a module that exports a function, got "./orders.mjs#write" (it exports read)',
  );
  expect(wrong.state).toBe('stopped');
});

test('a logger of the application takes the lines', async () => {
  const lines: string[] = [];
  const logger = pino({ name: 'mine' }, { write: (line: string) => void lines.push(line) });
  const { url, service } = await listening(plain, { logger });
  await ask(url);
  await service.stop();
  const seen = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(seen.map(({ name }) => name)).toEqual(['mine', 'mine', 'mine']);
  expect(seen.map(({ msg }) => msg)).toEqual([
    'request',
    'draining: not ready any more, finishing what was accepted',
    'stopped',
  ]);
});

test('the rate of a limiter is changed under traffic, and holds from then on', async () => {
  const clock = new ManualClock();
  const { url, service } = await listening(
    {
      limiters: { public: { ratePerSecond: 1, capacity: 1 } },
      routes: [{ path: '/', limiter: 'public', handler: () => 'in' }],
    },
    { clock },
  );
  const inOneSecond = async (): Promise<number> => {
    let allowed = 0;
    for (let i = 0; i < 20; i++) {
      clock.advance(50);
      if ((await ask(url)).status === 200) allowed++;
    }
    return allowed;
  };
  expect((await ask(url)).status).toBe(200);
  expect(await inOneSecond()).toBe(1);
  service.limiters.get('public')!.setRate(10);
  expect(await inOneSecond()).toBe(10);
  service.limiters.get('public')!.setRate(2);
  expect(await inOneSecond()).toBe(2);
});

test('a pool is resized under traffic: waiting requests take new lanes, running ones keep theirs', async () => {
  const waiting: (() => void)[] = [];
  const { url, service } = await listening({
    pools: { io: { size: 1 } },
    routes: [
      {
        path: '/',
        pool: 'io',
        handler: () => new Promise<string>((resolve) => waiting.push(() => resolve('done'))),
      },
    ],
  });
  const pool = service.pools.get('io')!;
  const answers = Array.from({ length: 6 }, () => ask(url));
  await until('one runs, five wait', () => pool.stats().queued === 5);
  pool.resize(4);
  expect(pool.stats()).toMatchObject({ active: 4, queued: 2, size: 4 });
  await until('the new lanes work', () => waiting.length === 4);
  pool.resize(1);
  expect(pool.stats()).toMatchObject({ active: 4, queued: 2, size: 1 });
  while (pool.stats().completed < 6) {
    waiting.shift()?.();
    await turn();
  }
  expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([200]));
});

test.each([
  { delayMs: 0, timeoutMs: 1 },
  { delayMs: 0, timeoutMs: 300 },
  { delayMs: 200, timeoutMs: 300 },
  { delayMs: 299, timeoutMs: 300 },
  { delayMs: 1000, timeoutMs: 5000 },
  { delayMs: 5000, timeoutMs: 30_000 },
])('a stop is over in time, whatever hangs, at %j', async (shutdown) => {
  const clock = new ManualClock();
  const { url, service } = await listening(
    {
      shutdown,
      routes: [{ path: '/', timeoutMs: 60_000, handler: () => new Promise(() => undefined) }],
    },
    { clock },
  );
  const hung = ask(url).catch(() => undefined);
  await until('it hangs', () => service.stats().activeRequests === 1);
  const stopping = service.stop();
  while (service.state !== 'stopped') {
    await clock.run(shutdown.timeoutMs / 200);
    await turn();
  }
  const report = await stopping;
  expect(report.endedEarly).toBe(1);
  expect(report.durationMs).toBeGreaterThanOrEqual(shutdown.delayMs);
  // Timers count whole milliseconds.
  expect(report.durationMs).toBeLessThanOrEqual(shutdown.timeoutMs + 2);
  await hung;
});

test('a service that has stopped holds nothing that keeps its process alive', async () => {
  const script = `
    import { createService } from ${JSON.stringify(fileURLToPath(new URL('../src/index.ts', import.meta.url)))};
    const service = createService({
      server: { host: '127.0.0.1', port: 0 },
      limiters: { l: { ratePerSecond: 1 } },
      breakers: { b: {} },
      routes: [{ path: '/', limiter: 'l', breaker: 'b', handler: () => 'served' }],
    });
    const url = await service.start();
    for (const path of ['/', '/', '/metrics', '/stats', '/nowhere']) await (await fetch(url + path)).text();
    await service.stop();
    console.error('stopped');
  `;
  const cwd = await folderWith({ 'script.mjs': script });
  const child = runScript(`${cwd}/script.mjs`);
  expect(await child.ended).toMatchObject({ code: 0, signal: null });
  expect(child.stderr).toBe('stopped\n');
  expect(child.log.at(-1)).toMatchObject({ msg: 'stopped' });
});
