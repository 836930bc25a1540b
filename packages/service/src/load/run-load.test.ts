import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { LoadFlags } from './flags.ts';
import type { LoadReport } from './figures.ts';
import { runLoad } from './run-load.ts';

const servers: Server[] = [];

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function run(flags: LoadFlags, signal?: AbortSignal) {
  let [out, err] = ['', ''];
  const code = await runLoad(flags, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    signal,
  });
  return { code, out, err };
}

test('sluice load prints its report to stdout and exits with 0', async () => {
  const url = await listen((_request, response) => response.end());
  const { code, out, err } = await run({ url, rate: '100', duration: '100ms' });
  expect(code).toBe(0);
  expect(out).toContain(`GET ${url}: open loop, 100/s constant, 100 ms`);
  expect(out.trimEnd().split('\n').at(-1)).toMatch(/^goodput \S+\/s of 100\/s offered$/);
  expect(err).toBe('');
});

test('sluice load --json prints one JSON document to stdout, and nothing else', async () => {
  const url = await listen((_request, response) => response.writeHead(503).end());
  const { code, out } = await run({ url, duration: '50ms', expectStatus: '503', json: true });
  const report = JSON.parse(out) as LoadReport;
  expect(code).toBe(0);
  expect(report).toMatchObject({ sent: 5, statuses: { 503: 5 }, shape: { loop: 'open' } });
});

test('sluice load exits with 1 when not a single request succeeded', async () => {
  const url = await listen((_request, response) => response.writeHead(429).end());
  const { code, out } = await run({ url, duration: '50ms' });
  expect(code).toBe(1);
  expect(out).toContain('no request succeeded, of 5 sent');
});

test('sluice load exits with 2 for bad options, tells each on a line, and sends nothing', async () => {
  let requests = 0;
  const url = await listen(() => {
    requests += 1;
  });
  const { code, out, err } = await run({ url, rate: 'x', duration: 'y', arrivals: 'z' });
  expect(code).toBe(2);
  expect(out).toBe('');
  expect(err.match(/^sluice load: --\S+ must be .*, got "."$/gm)).toHaveLength(3);
  expect(requests).toBe(0);
});

test('sluice load that is interrupted still prints its report', async () => {
  const interrupt = new AbortController();
  let requests = 0;
  const url = await listen((_request, response) => {
    if (++requests === 3) interrupt.abort();
    else response.end();
  });
  const { code, out } = await run({ url, connections: '1', duration: '1h' }, interrupt.signal);
  expect(code).toBe(0);
  expect(out).toContain('The run was ended early');
  expect(out).toMatch(/unfinished +1\n/);
});
