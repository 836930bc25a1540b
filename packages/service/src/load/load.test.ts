import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SeededRandom } from '@sluice/core/testing';
import { afterEach, expect, test } from 'vitest';
import type { LoadFigures } from './figures.ts';
import { load } from './load.ts';

const servers: Server[] = [];

async function listen(listener: RequestListener): Promise<{ server: Server; url: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

function answersAndErrors({ statuses, errors }: LoadFigures): number {
  return [...Object.values(statuses), ...Object.values(errors)].reduce((sum, n) => sum + n, 0);
}

test('a run counts what the server saw', async () => {
  const seen: Record<string, number> = {};
  let requests = 0;
  const { url } = await listen((_request, response) => {
    const status = [200, 204, 429, 500][requests++ % 4]!;
    seen[status] = (seen[status] ?? 0) + 1;
    response.writeHead(status).end();
  });
  const report = await load({ url, ratePerSecond: 400, durationMs: 150 });
  expect(requests).toBe(60);
  expect(report).toMatchObject({ offered: 60, sent: 60, unfinished: 0, errors: {} });
  expect(report.statuses).toEqual(seen);
  expect(report.latencyMs.success?.count).toBe(30);
  expect(report.latencyMs.refusal?.count).toBe(15);
  expect(report.latencyMs.other?.count).toBe(15);
  expect(report.lateMs?.count).toBe(60);
  expect(report.offeredPerSecond).toBe(400);
});

test('every request carries the method, the headers, the query and the body', async () => {
  const seen = new Set<string>();
  const { url } = await listen((request, response) => {
    const { method, url: path, headers } = request;
    const heads = [method, path, headers['user-agent'], headers['x-key']].join(' ');
    request.setEncoding('utf8').on('data', (text: string) => seen.add(`${heads} ${text}`));
    request.on('end', () => {
      seen.add(heads);
      response.end();
    });
  });
  const options = { ratePerSecond: 100, durationMs: 50, headers: [['x-key', 'k']] as const };
  await load({ ...options, url: `${url}a?b=c#d`, body: 'text' });
  await load({ ...options, url, method: 'PUT', body: new Uint8Array([104, 105]) });
  await load({ ...options, url, headers: [['User-Agent', 'mine']] });
  expect([...seen]).toEqual([
    'POST /a?b=c sluice-load k text',
    'POST /a?b=c sluice-load k',
    'PUT / sluice-load k hi',
    'PUT / sluice-load k',
    'GET / mine ',
  ]);
});

test('a stall of the server is charged to every request that was due in it', async () => {
  const waiting: (() => void)[] = [];
  const { url } = await listen((_request, response) => {
    waiting.push(() => response.end());
    if (waiting.length === 40) waiting.forEach((answer) => answer());
  });
  // The last is due at 195 ms. So request k, due at 5k ms, waits at least 195 - 5k ms.
  const { latencyMs, elapsedMs } = await load({ url, ratePerSecond: 200, durationMs: 200 });
  const success = latencyMs.success!;
  expect(success.count).toBe(40);
  expect(success.max).toBeGreaterThanOrEqual(195);
  expect(success.p90).toBeGreaterThanOrEqual(175 * 0.99);
  expect(success.p50).toBeGreaterThanOrEqual(95 * 0.99);
  expect(success.mean).toBeGreaterThanOrEqual(97.5);
  expect(success.max).toBeLessThanOrEqual(elapsedMs);
});

test('poisson arrivals are sent, all of them', async () => {
  let requests = 0;
  const { url } = await listen((_request, response) => {
    requests += 1;
    response.end();
  });
  const options = { url, ratePerSecond: 500, durationMs: 100, arrivals: 'poisson' } as const;
  const report = await load(options, { random: new SeededRandom(3) });
  expect(requests).toBe(50);
  expect(report.statuses).toEqual({ 200: 50 });
});

test('refused connections are counted as errors', async () => {
  const { server, url } = await listen(() => {});
  server.close();
  await once(server, 'close');
  const report = await load({ url, ratePerSecond: 100, durationMs: 100 });
  expect(report.errors).toEqual({ 'connection refused': 10 });
  expect(report.latencyMs).toEqual({ success: null, refusal: null, other: null });
  expect(report.verdict).toBe('no request succeeded, of 10 sent; 10 failed: connection refused');
});

test('reset and closed connections are counted as errors, each as its own kind', async () => {
  let requests = 0;
  const { url } = await listen((request) => {
    if (requests++ % 2 === 0) request.socket.resetAndDestroy();
    else request.socket.destroy();
  });
  const report = await load({ url, ratePerSecond: 100, durationMs: 100 });
  expect(report.errors).toEqual({ 'connection reset': 5, 'connection closed': 5 });
});

test('a request without a whole answer in time is counted as a timeout, and the run ends', async () => {
  const { url } = await listen((_request, response) => {
    response.writeHead(200).write('the beginning, and no end');
  });
  const report = await load({ url, ratePerSecond: 100, durationMs: 100, timeoutMs: 50 });
  expect(report).toMatchObject({ sent: 10, statuses: {}, errors: { timeout: 10 } });
});

test('what is due beyond the bound in flight is counted as dropped, and is not sent', async () => {
  let requests = 0;
  const { url } = await listen(() => {
    requests += 1;
  });
  const options = { ratePerSecond: 1000, durationMs: 50, maxInFlight: 3, timeoutMs: 300 };
  const report = await load({ url, ...options });
  expect(report).toMatchObject({ offered: 50, sent: requests, peakInFlight: 3 });
  expect(report.errors).toEqual({ timeout: requests });
  expect(report.dropped).toEqual({ inFlightLimit: 50 - requests, outOfTime: 0 });
  expect(report.dropped.inFlightLimit).toBeGreaterThan(0);
});

test('a run that is aborted ends early, with a report of what was counted until then', async () => {
  const abort = new AbortController();
  let requests = 0;
  const { url } = await listen((_request, response) => {
    requests += 1;
    if (requests <= 5) response.end();
    if (requests === 10) abort.abort();
  });
  const options = { url, ratePerSecond: 200, durationMs: 3_600_000 };
  const report = await load(options, { signal: abort.signal });
  expect(report.interrupted).toBe(true);
  expect(report.sent).toBeGreaterThanOrEqual(10);
  expect(report.unfinished).toBeGreaterThanOrEqual(5);
  expect(report.unfinished).toBe(report.sent - answersAndErrors(report));
  expect(report.offered).toBe(report.sent + report.dropped.outOfTime);
});

test('a run whose signal was aborted before sends nothing', async () => {
  let requests = 0;
  const { url } = await listen(() => {
    requests += 1;
  });
  const report = await load({ url }, { signal: AbortSignal.abort() });
  expect(report).toMatchObject({ sent: 0, interrupted: true, latencyMs: { success: null } });
  expect(requests).toBe(0);
});

test('a closed loop keeps its connections, with one request on each, and reads bodies to the end', async () => {
  let connections = 0;
  let active = 0;
  let most = 0;
  let requests = 0;
  const { server, url } = await listen((_request, response) => {
    requests += 1;
    most = Math.max(most, ++active);
    response.end(Buffer.alloc(100_000), () => (active -= 1));
  });
  server.on('connection', () => (connections += 1));
  const report = await load({ url, connections: 4, durationMs: 200 });
  expect(connections).toBe(4);
  expect(most).toBeLessThanOrEqual(4);
  expect(report.peakInFlight).toBe(4);
  expect(report).toMatchObject({ sent: requests, statuses: { 200: requests }, lateMs: null });
  expect(report.notes.join()).toContain('hides stalls');
});

test('an open loop opens no more connections than there were requests in flight', async () => {
  let connections = 0;
  const { server, url } = await listen((_request, response) => response.end());
  server.on('connection', () => (connections += 1));
  const report = await load({ url, ratePerSecond: 500, durationMs: 200 });
  expect(connections).toBeLessThanOrEqual(report.peakInFlight);
});

test('redirects are not followed, and count as successes', async () => {
  const paths = new Set<string | undefined>();
  const { url } = await listen((request, response) => {
    paths.add(request.url);
    response.writeHead(302, { location: 'http://example.com/' }).end();
  });
  const report = await load({ url, ratePerSecond: 100, durationMs: 50 });
  expect(report.latencyMs.success?.count).toBe(5);
  expect([...paths]).toEqual(['/']);
});

test('progress is told every second, with what was counted since the last', async () => {
  const { url } = await listen((_request, response) => response.end());
  const abort = new AbortController();
  let offered = 0;
  const report = await load(
    { url, ratePerSecond: 50, durationMs: 3_600_000 },
    {
      signal: abort.signal,
      onProgress: ({ elapsedMs, intervalMs, interval }) => {
        expect(elapsedMs).toBe(intervalMs);
        expect(elapsedMs).toBeGreaterThanOrEqual(1000);
        offered = interval.offered;
        abort.abort();
      },
    },
  );
  expect(offered).toBeGreaterThan(0);
  expect(offered).toBe(report.offered - report.dropped.outOfTime);
});

test('whatever a server does, each request that was sent is counted once', async () => {
  let requests = 0;
  const { url } = await listen((request, response) => {
    const acts = [
      () => response.end('fine'),
      () => response.writeHead(503, { connection: 'close' }).end(),
      () => request.socket.destroy(),
      () => response.writeHead(200, { 'content-length': 10 }).write('half'),
      () => request.socket.end('no HTTP at all\r\n\r\n'),
    ];
    acts[requests++ % acts.length]!();
  });
  const report = await load({ url, ratePerSecond: 500, durationMs: 120, timeoutMs: 300 });
  expect(report.sent).toBe(60);
  expect(requests).toBe(60);
  expect(answersAndErrors(report)).toBe(60);
});
