import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect, onTestFinished, test } from 'vitest';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const SLUICE = here('../packages/service/bin/sluice.js');

async function outputOf(example: string): Promise<readonly string[]> {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['-C', 'sluice-source', here(example)]);
  return stdout.trimEnd().split('\n');
}

test('guard-a-call opens the breaker, refuses at once, and closes it again', async () => {
  const lines = await outputOf('guard-a-call.ts');
  expect(lines).toEqual([
    ...Array.from({ length: 2 }, () => 'failed: the inventory does not answer'),
    'closed → open: consecutive-failures',
    'failed: the inventory does not answer',
    expect.stringMatching(/^refused at once, come back in \d+ ms$/),
    'open → half-open: open-time-over',
    '7 of a1',
    '7 of a1',
    'half-open → closed: probes-succeeded',
    '7 of a1',
    'closed',
  ]);
});

test('cpu-work runs jobs on threads, and ends one that never ends', async () => {
  expect(await outputOf('cpu-work/main.ts')).toEqual([
    'digest -642107175',
    'inverted 255 of 1000000 and left 0',
    'digest 97',
    'digest 98',
    'digest 99',
    expect.stringMatching(/^digest -?\d+$/),
    'cpu: search was not done within 50 ms',
    '6 done, and { refused: 0, ended: 0, running: 0 }',
  ]);
});

test('resilient-client always answers, retries what passes, and spares a service that is down', async () => {
  expect(await outputOf('resilient-client.ts')).toEqual([
    'well: 7 in stock, 1 at the service',
    'one 503: 7 in stock, 2 at the service',
    'one that never answers: 7 in stock, 2 at the service',
    'closed → open: consecutive-failures',
    '20 while it is down: 7 in stock when last seen, 5 at the service',
    'open → half-open: open-time-over',
    'half-open → closed: probes-succeeded',
    'well again: 7 in stock, 1 at the service',
    '24 calls, 6 retries, 2 saved by them',
    '20 answered by the fallback, 19 never sent',
  ]);
});

test('service-in-code answers, refuses, is changed live, and stops without loss', async () => {
  const lines = await outputOf('service-in-code.ts');
  expect(lines.map((line) => line.trimEnd())).toEqual([
    '/orders/7 200',
    '/orders/0 404',
    '/orders/8 429 retry after 1 s',
    '/orders/8 200',
    '2 of 4 succeeded',
    'stopped: 0 cut off, 0 ended early',
  ]);
});

test('limit-per-address believes its proxy alone, and lets a client in that waits Retry-After', async () => {
  const lines = await outputOf('limit-per-address.ts');
  const line = (address: string, status: number, left: number): unknown =>
    expect.stringMatching(
      new RegExp(`^${address}: ${status}, RateLimit: "per-address";r=${left};t=[12]$`),
    );
  expect(lines).toEqual([
    line('203.0.113.7', 200, 1),
    line('203.0.113.7', 200, 0),
    line('198.51.100.9, 203.0.113.7', 429, 0),
    line('203.0.113.7', 429, 0),
    line('192.0.2.44', 200, 1),
    line('2001:db8:0:1::5', 200, 1),
    line('2001:db8:0:1::6', 200, 0),
    line('203.0.113.7', 200, 0),
    '6 let in, 2 refused',
  ]);
});

test('limit-per-api-key holds every customer to the plan, blocks abuse and says who uses most', async () => {
  expect(await outputOf('limit-per-api-key.ts')).toEqual([
    'nobody: 401',
    expect.stringMatching(/^Ann: 200, 200, 200, 429 \(in (100|9\d) s\)$/),
    'Bob: 200, 200, 200, 200, 200, 200',
    'Ann: 200',
    expect.stringMatching(/^Eve: 404, 200, 429 \(in (100|9\d) s\)$/),
    expect.stringMatching(/^Eve: 404, 429 \(in (60|5\d) s\)$/),
    'Eve: 200',
    'Bob used 6 on pro, open',
    'Eve used 5 on free, open',
    'Ann used 4 on pro, open',
  ]);
});

test('respect-a-quota sends in turn what the third party would refuse at once', async () => {
  expect(await outputOf('respect-a-quota.ts')).toEqual([
    expect.stringMatching(/^60 at once: [1-9]\d* refused by the third party$/),
    '31 in turn: 30 answered, 1 left, 0 refused here',
    'sent first: book-0, paid-for, book-1',
    '10 more: 5 answered, 0 left, 5 refused here: come back in 60 minutes',
    '35 reached the third party, 0 refused there',
  ]);
});

test('several-windows takes from every window or from none', async () => {
  expect(await outputOf('several-windows.ts')).toEqual([
    'Ann: 100 of 150',
    'Bob: 100 of 150',
    'Eve: 50 of 150',
    'Ann: 0 of 150',
    'Eve: 1 after a wait',
    'Ann: 1000 in the first minute',
    'Ann: the next one in 59 minutes; Bob: 100 of 150',
    'Ann: 1 of 1',
  ]);
});

test('orders-service takes an order and gives it back', async () => {
  const child = spawn(process.execPath, [SLUICE, 'serve', here('orders-service/sluice.yaml')], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const url = await urlOf(child);
  const created = await fetch(`${url}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ item: 'a lamp' }),
  });
  expect(created.status).toBe(201);
  const { id } = (await created.json()) as { id: string };
  const read = await fetch(`${url}/orders/${id}`);
  expect(await read.json()).toEqual({ id, item: 'a lamp' });
  expect((await fetch(`${url}/orders/none`)).status).toBe(404);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

/** Where the child says, on its start screen, that it listens. */
async function urlOf(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stderr! })) {
    const url = /http:\/\/\S+/.exec(line)?.[0];
    if (url) return url;
  }
  throw new Error('the service ended before it listened');
}
