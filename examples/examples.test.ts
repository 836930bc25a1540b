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
