import { createServer, type RequestListener } from 'node:http';

import { expect, onTestFinished, test } from 'vitest';

import { ask } from './support/ask.ts';
import { DnsServer } from './support/dns-server.ts';
import { folderWith } from './support/folder.ts';
import { proxying } from './support/proxying.ts';
import { RawConnection } from './support/raw-connection.ts';
import { serve } from './support/service-process.ts';
import { targetServer } from './support/target.ts';
import { until } from './support/until.ts';

const named =
  (name: string): RequestListener =>
  (_request, response) =>
    void response.end(name);

/** Whoever answers to so many requests, each once. */
async function answerersOf(url: string, requests = 30): Promise<readonly string[]> {
  const texts: string[] = [];
  for (let i = 0; i < requests; i++) texts.push(await (await ask(url)).text());
  return [...new Set(texts)].toSorted();
}

test('every target gets its share', async () => {
  const targets = await Promise.all(['a', 'b', 'c'].map((name) => targetServer(named(name))));
  const { url } = await proxying(targets.map(({ origin }) => origin));
  expect(await answerersOf(url, 60)).toEqual(['a', 'b', 'c']);
});

test('a target that fails its health checks gets no requests until it passes them again', async () => {
  let isWell = true;
  const probes: string[] = [];
  const watched = await targetServer((request, response) => {
    if (request.url === '/healthz') {
      probes.push(request.headers.host ?? '');
      response.writeHead(isWell ? 200 : 500).end();
    } else {
      response.end('watched');
    }
  });
  const other = await targetServer(named('other'));
  const { url, service, log } = await proxying([watched.origin, other.origin], {
    upstream: {
      slowStartMs: 0,
      health: { path: '/healthz', intervalMs: 20, unhealthyAfter: 2, healthyAfter: 2 },
    },
  });
  const health = (): unknown => service.stats().upstreams['u']!.targets[0]!.health;
  await until('it was found well', () => health() === 'healthy');
  expect(await answerersOf(url)).toEqual(['other', 'watched']);
  isWell = false;
  await until('it is found unwell', () => health() === 'unhealthy');
  expect(await answerersOf(url)).toEqual(['other']);
  isWell = true;
  await until('it is found well again', () => health() === 'healthy');
  await until('it gets requests again', async () => (await answerersOf(url)).includes('watched'));
  expect(new Set(probes)).toEqual(new Set([new URL(watched.origin).host]));
  const told = log.map(({ msg }) => msg);
  expect(told).toContain('a target fails its health checks');
  expect(told).toContain('a target passes its health checks again');
});

test('a target that keeps failing is ejected for a while, and the rest serve', async () => {
  const bad = await targetServer((_request, response) => response.writeHead(500).end('bad'));
  const good = await targetServer(named('good'));
  const { url, service, log } = await proxying([bad.origin, good.origin], {
    upstream: {
      breaker: false,
      slowStartMs: 0,
      ejection: { consecutiveFailures: 3, baseMs: 1500, maxMs: 1500 },
    },
  });
  const ejections = (): number => service.stats().upstreams['u']!.targets[0]!.ejections;
  await until('it is ejected', async () => {
    await Promise.all(Array.from({ length: 20 }, async () => (await ask(url)).text()));
    return ejections() > 0;
  });
  expect(await answerersOf(url, 5)).toEqual(['good']);
  expect(log.map(({ msg }) => msg)).toContain('a target keeps failing, and is left alone');
  const isEjected = (): boolean => service.upstreams.get('u')!.targets.all[0]!.isEjected;
  await until('it may be tried again', () => !isEjected());
  expect(log.map(({ msg }) => msg)).toContain('a target gets requests again');
});

test('when the breakers of all targets are open the client is told when to come back', async () => {
  const bad = await targetServer((_request, response) => response.writeHead(500).end('bad'));
  const { url } = await proxying([bad.origin], {
    upstream: {
      ejection: false,
      breaker: { consecutiveFailures: 2, openMs: 60_000, maxOpenMs: 60_000 },
    },
  });
  for (let i = 0; i < 2; i++) expect((await ask(url)).status).toBe(500);
  const answer = await ask(url);
  expect(answer.status).toBe(503);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await answer.json()).toMatchObject({ code: 'SLUICE_CIRCUIT_OPEN' });
  expect(bad.requests).toHaveLength(2);
});

test('a hedge asks another target when the first takes long, and only one answer is passed on', async () => {
  let gone = 0;
  const hanging = await targetServer((request) => {
    request.socket.on('close', () => gone++);
  });
  const quick = await targetServer(named('quick'));
  const { url, service } = await proxying([hanging.origin, quick.origin], {
    upstream: { hedge: { delayMs: 20, budgetRatio: 1 }, retry: false },
  });
  expect(await answerersOf(url, 10)).toEqual(['quick']);
  expect(hanging.requests.length).toBeGreaterThan(0);
  await until('all the others were let go of', () => gone === hanging.requests.length);
  const { targets, hedge } = service.stats().upstreams['u']!;
  expect(targets.map(({ inFlight }) => inFlight)).toEqual([0, 0]);
  expect(hedge?.wonByHedge).toBe(hanging.requests.length);
});

test('the addresses of a name are targets, as DNS gives them, and follow it', async () => {
  const host = '127.0.0.1';
  const second = '127.0.0.2';
  const first = createServer(named('first'));
  await new Promise<void>((resolve) => first.listen(0, host, resolve));
  const { port } = first.address() as { port: number };
  const other = createServer((request, response) => response.end(`second ${request.headers.host}`));
  await new Promise<void>((resolve) => other.listen(port, second, resolve));
  onTestFinished(() => {
    for (const server of [first, other]) {
      server.close();
      server.closeAllConnections();
    }
  });
  await using dns = await DnsServer.start();
  dns.set('stock.test', { A: [host], ttlSeconds: 1 });
  const { url, service } = await proxying([`http://stock.test:${port}`], {
    upstream: {
      resolve: 'dns',
      slowStartMs: 0,
      dns: { minTtlMs: 50, maxTtlMs: 50, servers: [dns.address] },
    },
  });
  expect(await answerersOf(url, 5)).toEqual(['first']);
  dns.set('stock.test', { A: [second], ttlSeconds: 1 });
  const names = (): unknown =>
    service.stats().upstreams['u']!.targets.map(({ address }) => address);
  await until('the new address is known', () => String(names()) === second);
  expect(await answerersOf(url, 5)).toEqual([`second stock.test:${port}`]);
});

test('a gateway needs nothing but a file: paths, headers, limits, methods', async () => {
  const target = await targetServer((request, response) => {
    response.setHeader('server', 'secret/1.0');
    const { 'x-tenant': tenant, cookie } = request.headers;
    response.end([request.method, request.url, tenant, cookie ?? 'no cookie'].join(' '));
  });
  const folder = await folderWith({
    'sluice.yaml': `
server: { host: 127.0.0.1, port: 0 }
limiters: { few: { ratePerSecond: 0.001, capacity: 1 } }
upstreams:
  stock: { targets: ["${target.origin}"] }
routes:
  - path: /stock/*
    upstream: stock
    stripPrefix: /stock
    requestHeaders: { set: { x-tenant: acme }, remove: [cookie] }
    responseHeaders: { remove: [server], set: { x-served-by: sluice } }
  - { path: "/items/:id", method: GET, upstream: stock, rewrite: "/v2/documents/:id" }
  - { path: /limited, upstream: stock, limiter: few }
`,
  });
  const { url } = await serve(['sluice.yaml'], { cwd: folder });
  const shop = await ask(`${url}/stock/a/b?c=d`, { method: 'DELETE', headers: { cookie: 'a=b' } });
  expect(await shop.text()).toBe('DELETE /a/b?c=d acme no cookie');
  expect([shop.headers.get('server'), shop.headers.get('x-served-by')]).toEqual([null, 'sluice']);
  expect(await (await ask(`${url}/items/7%2F8?x=1`)).text()).toContain(
    'GET /v2/documents/7%2F8?x=1 ',
  );
  expect((await ask(`${url}/items/7`, { method: 'POST' })).status).toBe(405);
  expect([(await ask(`${url}/limited`)).status, (await ask(`${url}/limited`)).status]).toEqual([
    200, 429,
  ]);
  const stats = (await (await ask(`${url}/stats`)).json()) as {
    upstreams: { stock: { targets: unknown[] } };
  };
  expect(stats.upstreams.stock.targets).toMatchObject([{ origin: target.origin, failed: 0 }]);
});

test('nothing in a request chooses the host that is reached', async () => {
  const target = await targetServer(named('target'));
  const elsewhere = await targetServer(named('elsewhere'));
  const { port } = await proxying([target.origin]);
  const host = new URL(elsewhere.origin).host;
  const heads = [
    `GET http://${host}/ HTTP/1.1\r\nhost: ${host}`,
    `GET / HTTP/1.1\r\nhost: ${host}\r\nx-forwarded-host: ${host}\r\nforwarded: host=${host}`,
    `GET //${host}/ HTTP/1.1\r\nhost: a`,
    `GET /\\${host}/ HTTP/1.1\r\nhost: a`,
    `GET /@${host}/ HTTP/1.1\r\nhost: a`,
    `CONNECT ${host} HTTP/1.1\r\nhost: ${host}`,
  ];
  for (const head of heads) {
    const connection = await RawConnection.open(port);
    connection.send(`${head}\r\nconnection: close\r\n\r\n`);
    await connection.closed;
  }
  expect(elsewhere.requests).toHaveLength(0);
});
