import { ManualClock, SeededRandom } from '@sluice/core/testing';
import { expect, test } from 'vitest';

import {
  DnsTargets,
  Targets,
  type DnsEvents,
  type DnsTargetsOptions,
} from '../src/upstream/balancer/index.ts';
import { DnsServer } from './support/dns-server.ts';

interface Scene {
  readonly clock: ManualClock;
  readonly targets: Targets;
  readonly dns: DnsTargets;
  readonly names: () => readonly string[];
}

function scene(
  server: DnsServer | undefined,
  origins: readonly string[],
  options: Partial<DnsTargetsOptions> = {},
): Scene {
  const clock = new ManualClock();
  const random = new SeededRandom(1);
  const targets = new Targets([], { name: 'up', connections: 4, clock, random });
  const servers = server === undefined ? [] : [server.address];
  const dns = new DnsTargets(targets, origins, {
    servers,
    clock,
    random,
    queryTimeoutMs: 200,
    ...options,
  });
  return { clock, targets, dns, names: () => targets.all.map(({ name }) => name) };
}

/** The next event of a kind. */
function next<K extends keyof DnsEvents>(dns: DnsTargets, kind: K): Promise<DnsEvents[K]> {
  return new Promise((resolve) => {
    const remove = dns.on(kind, (event) => {
      remove();
      resolve(event);
    });
  });
}

/** Longer than any test waits for a start; the clock stands still. */
const LONG_MS = 10_000;

test('each address of a name is a target of its own, under the origin of the name', async () => {
  await using server = await DnsServer.start();
  server.set('stock.test', { A: ['10.0.0.2', '10.0.0.1'], ttlSeconds: 5 });
  const { dns, targets, clock } = scene(server, ['https://stock.test:8443', 'http://10.9.9.9:80']);
  await dns.start(LONG_MS);
  expect(targets.all.map(({ address }) => address)).toEqual([
    { origin: 'https://stock.test:8443', address: '10.0.0.1' },
    { origin: 'https://stock.test:8443', address: '10.0.0.2' },
    { origin: 'http://10.9.9.9:80' },
  ]);
  // They are what the upstream starts with, so none of them starts slowly.
  expect(targets.stats().map(({ weight }) => weight)).toEqual([1, 1, 1]);
  expect(server.questions).toEqual(['A stock.test']);
  dns.stop();
  expect(clock.pending).toBe(0);
});

test('a name is looked up again when its TTL is over, and what has changed goes to the targets', async () => {
  await using server = await DnsServer.start();
  server.set('stock.test', { A: ['10.0.0.1', '10.0.0.2'], ttlSeconds: 5 });
  const { clock, dns, names } = scene(server, ['http://stock.test']);
  await dns.start(LONG_MS);
  server.set('stock.test', { A: ['10.0.0.3', '10.0.0.2'], ttlSeconds: 7 });
  clock.advance(4999);
  expect(server.questions).toHaveLength(1);
  const changed = next(dns, 'changed');
  clock.advance(1);
  await changed;
  expect(names()).toEqual(['http://stock.test (10.0.0.2)', 'http://stock.test (10.0.0.3)']);
  expect(clock.nextDueMs).toBe(12_000);
  dns.stop();
});

test.each([
  { ttlSeconds: 0, keptMs: 1000 },
  { ttlSeconds: 30, keptMs: 30_000 },
  { ttlSeconds: 86_400, keptMs: 60_000 },
])('a TTL of $ttlSeconds s is kept for $keptMs ms', async ({ ttlSeconds, keptMs }) => {
  await using server = await DnsServer.start();
  server.set('stock.test', { A: ['10.0.0.1'], ttlSeconds });
  const { clock, dns } = scene(server, ['http://stock.test']);
  await dns.start(LONG_MS);
  expect(clock.nextDueMs).toBe(keptMs);
  dns.stop();
});

test('answers in another order change nothing', async () => {
  await using server = await DnsServer.start();
  server.set('stock.test', { A: ['10.0.0.1', '10.0.0.2'] });
  server.set('other.test', { A: ['10.0.1.1'] });
  const { clock, dns, targets } = scene(server, ['http://stock.test', 'http://other.test']);
  let changes = 0;
  dns.on('changed', () => changes++);
  await dns.start(LONG_MS);
  const before = [...targets.all];
  server.set('stock.test', { A: ['10.0.0.2', '10.0.0.1', '10.0.0.1'] });
  server.set('other.test', { A: ['10.0.1.1', '10.0.1.2'] });
  const changed = next(dns, 'changed');
  clock.advance(1000);
  await changed;
  expect(changes).toBe(2);
  expect(targets.all.slice(0, 3)).toEqual(before);
  dns.stop();
});

test('IPv6 addresses are used where a name has no others', async () => {
  await using server = await DnsServer.start();
  server.set('both.test', { A: ['10.0.0.1'], AAAA: ['fd00:0:0:0:0:0:0:1'] });
  server.set('six.test', { AAAA: ['fd00:0:0:0:0:0:0:2'] });
  const { dns, names } = scene(server, ['http://both.test', 'http://six.test', 'http://[::1]:80']);
  await dns.start(LONG_MS);
  expect(names()).toEqual([
    'http://both.test (10.0.0.1)',
    'http://six.test (fd00::2)',
    'http://[::1]:80',
  ]);
  dns.stop();
});

test('a lookup that fails leaves the last known addresses, is told, and is repeated later each time', async () => {
  await using server = await DnsServer.start();
  server.set('stock.test', { A: ['10.0.0.1'] });
  const { clock, dns, names } = scene(server, ['http://stock.test']);
  await dns.start(LONG_MS);
  server.mode = 'failing';
  const delays: number[] = [];
  for (let failures = 1; failures <= 8; failures++) {
    const failed = next(dns, 'failed');
    clock.advanceTo(clock.nextDueMs);
    expect(await failed).toMatchObject({
      host: 'stock.test',
      failures,
      error: { code: 'ESERVFAIL' },
    });
    delays.push(clock.nextDueMs - clock.nowMs());
  }
  expect(names()).toEqual(['http://stock.test (10.0.0.1)']);
  delays.forEach((delayMs, i) => {
    const longest = Math.min(60_000, 1000 * 2 ** i);
    expect(delayMs).toBeGreaterThanOrEqual(longest / 2);
    expect(delayMs).toBeLessThanOrEqual(longest);
  });
  server.mode = 'answering';
  server.set('stock.test', { A: ['10.0.0.9'] });
  const changed = next(dns, 'changed');
  clock.advanceTo(clock.nextDueMs);
  await changed;
  expect(dns.stats()).toEqual([{ host: 'stock.test', addresses: ['10.0.0.9'], failures: 0 }]);
  dns.stop();
});

test('a name that nobody knows any more keeps its addresses, too', async () => {
  await using server = await DnsServer.start();
  server.set('stock.test', { A: ['10.0.0.1'] });
  const { clock, dns, names } = scene(server, ['http://stock.test']);
  await dns.start(LONG_MS);
  server.set('stock.test', {});
  const failed = next(dns, 'failed');
  clock.advance(1000);
  expect(await failed).toMatchObject({ error: { code: 'ENODATA' } });
  expect(names()).toEqual(['http://stock.test (10.0.0.1)']);
  dns.stop();
});

test('a start without an address is no failure: the first that is found later is used', async () => {
  await using server = await DnsServer.start();
  const { clock, dns, names, targets } = scene(server, ['http://stock.test']);
  await dns.start(LONG_MS);
  expect(names()).toEqual([]);
  server.set('stock.test', { A: ['10.0.0.1'] });
  const changed = next(dns, 'changed');
  clock.advance(1000);
  await changed;
  expect(names()).toEqual(['http://stock.test (10.0.0.1)']);
  expect(targets.stats()[0]?.weight).toBe(1);
  dns.stop();
});

test('a start waits no longer than it may for a server that says nothing', async () => {
  await using server = await DnsServer.start();
  server.mode = 'silent';
  const { clock, dns, names } = scene(server, ['http://10.0.0.7', 'http://stock.test']);
  const started = dns.start(300);
  clock.advance(300);
  await started;
  expect(names()).toEqual(['http://10.0.0.7']);
  dns.stop();
});

test('a server that says nothing counts as a failed lookup', async () => {
  await using server = await DnsServer.start();
  server.mode = 'silent';
  const { dns } = scene(server, ['http://stock.test'], { queryTimeoutMs: 50 });
  const failed = next(dns, 'failed');
  await dns.start(LONG_MS);
  expect(await failed).toMatchObject({ error: { code: 'ETIMEOUT' } });
  dns.stop();
});

test('names and options change live: what stays is not looked up again before its time', async () => {
  await using server = await DnsServer.start();
  server.set('stock.test', { A: ['10.0.0.1'], ttlSeconds: 30 });
  server.set('other.test', { A: ['10.0.1.1'], ttlSeconds: 30 });
  const { clock, dns, names } = scene(server, ['http://stock.test', 'http://10.0.0.7']);
  await dns.start(LONG_MS);
  const changes: number[] = [];
  dns.on('changed', ({ addresses }) => changes.push(addresses.length));
  dns.update({ origins: ['http://stock.test:81', 'http://other.test'], maxTtlMs: 2000 });
  expect(names()).toEqual(['http://stock.test:81 (10.0.0.1)']);
  await next(dns, 'changed');
  expect(changes).toEqual([1, 2]);
  expect(server.questions).toEqual(['A stock.test', 'A other.test']);
  expect(clock.nextDueMs).toBe(2000);
  dns.update({ origins: ['http://10.0.0.7'] });
  expect(names()).toEqual(['http://10.0.0.7']);
  expect(clock.pending).toBe(0);
  dns.stop();
});

test('after stop no query is under way, no timer is left, and nothing changes any more', async () => {
  await using server = await DnsServer.start();
  server.mode = 'silent';
  const { clock, dns, names } = scene(server, ['http://stock.test']);
  const told: unknown[] = [];
  dns.on('failed', (event) => told.push(event));
  const started = dns.start(LONG_MS);
  dns.stop();
  await started;
  await clock.run(LONG_MS);
  expect(names()).toEqual([]);
  expect(told).toEqual([]);
  expect(clock.pending).toBe(0);
});

test('localhost is found without a DNS server, and looked up again after the shortest time', async () => {
  const { clock, dns, targets } = scene(undefined, ['http://localhost:8080']);
  await dns.start(LONG_MS);
  expect(targets.all.map(({ address }) => address)).toEqual([
    { origin: 'http://localhost:8080', address: expect.stringMatching(/^127\.|^::1$/) as string },
  ]);
  expect(clock.nextDueMs).toBe(1000);
  dns.stop();
});
