import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

import { expect, onTestFinished, test } from 'vitest';

import { version } from '../src/cli/version.ts';
import { ask } from './support/ask.ts';
import { folderWith } from './support/folder.ts';
import { run, serve } from './support/service-process.ts';

test('without a file the built-in example is served, and the screen says what runs where', async () => {
  const { process, url } = await serve(['--port', '0']);
  const port = new URL(url).port;
  expect(url).toBe(`http://localhost:${port}`);
  const screen = process.stderr
    .replaceAll(port, 'PORT')
    .replace(`sluice ${version}`, 'sluice VERSION')
    .replace(`process ${process.pid}`, 'process PID')
    .replace(/Node [\d.]+/, 'Node VERSION');
  expect(screen).toMatchInlineSnapshot(`
    "
      sluice VERSION on http://localhost:PORT and every address of this machine  (Node VERSION, process PID)

      GET /api/endpoint  100/s (burst 1000) → breaker endpoint → 10 lanes (queue 1000) → builtin:simulated-work
      POST /api/digest   100/s (burst 1000) → 4 lanes (queue 100) → builtin:digest
      operations         /livez  /readyz  /metrics  /stats

      Try it:     curl -i http://localhost:PORT/api/endpoint
      Load it:    npx sluice load http://localhost:PORT/api/endpoint --rate 1000
      Watch it:   curl http://localhost:PORT/stats
      Ctrl-C finishes what was accepted and stops; a second one ends at once.

    "
  `);
  const answer = await ask(`http://127.0.0.1:${port}/api/endpoint`);
  expect(answer.status).toBe(200);
  const body = (await answer.json()) as { waitedMs: number };
  expect(body).toEqual({ status: 'done', waitedMs: expect.any(Number) as number, workedMs: 100 });
  const stats = (await (await ask(`${url}/stats`)).json()) as Record<string, never>;
  expect(stats).toMatchObject({
    requests: { total: 1, succeeded: 1 },
    pools: { io: { size: 10, queueCapacity: 1000, completed: 1 }, digest: { size: 4 } },
    limiters: { public: { ratePerSecond: 100, capacity: 1000, allowed: 1 } },
    breakers: { endpoint: { succeeded: 1 } },
  });
  const { requests } = stats as unknown as { requests: { minMs: number } };
  expect(requests.minMs).toBeGreaterThanOrEqual(100);
});

test('--print-config prints a file that serve accepts, and that means the same', async () => {
  const printed = await run(['serve', '--print-config']);
  expect(printed).toMatchObject({ code: 0, stderr: '' });
  const cwd = await folderWith({ 'mine.yaml': printed.stdout });
  const { url } = await serve(['mine.yaml', '--port', '0', '--host', '127.0.0.1'], { cwd });
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const answer = await ask(`${url}/api/digest`, { method: 'POST', body: 'abc' });
  expect(await answer.json()).toMatchObject({
    algorithm: 'sha256',
    digest: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  });
});

test('the six keys of the Go design mean its service, on their port', async () => {
  const port = await freePort();
  const go = {
    port: `:${port}`,
    worker_pool_size: 3,
    max_workers: 30,
    failure_threshold: 7,
    timeout_seconds: 2,
    rate_limit: 50,
  };
  const cwd = await folderWith({ 'config.json': JSON.stringify(go) });
  const { url } = await serve(['config.json'], { cwd });
  expect(url).toBe(`http://localhost:${port}`);
  expect((await ask(`${url}/api/endpoint`)).status).toBe(200);
  const { pools, limiters } = (await (await ask(`${url}/stats`)).json()) as Record<string, object>;
  expect(pools).toMatchObject({ io: { size: 3, completed: 1 } });
  expect(limiters).toMatchObject({ public: { ratePerSecond: 50, capacity: 1000 } });
});

test('handlers come from modules beside the file, in TypeScript and in JavaScript', async () => {
  const cwd = await folderWith({
    'package.json': '{"type":"module"}',
    'typed.ts': `interface Order { readonly id: string }
      export const read = ({ params }: { params: Order }): Order => ({ id: params.id });
      export default (): string => 'by default';`,
    'plain.js': `export const $created = ({ body, options }) => ({ ...body, ...options });`,
    'sluice.yaml': `
server: { host: 127.0.0.1, port: 0 }
routes:
  - { path: "/orders/:id", handler: "./typed.ts#read" }
  - { path: /default, handler: ./typed.ts }
  - { method: POST, path: /orders, handler: "./plain.js#$created", options: { shelf: 3 }, successStatus: 201 }
`,
  });
  const { url } = await serve([`${cwd}/sluice.yaml`]);
  expect(await (await ask(`${url}/orders/7`)).json()).toEqual({ id: '7' });
  expect(await (await ask(`${url}/default`)).text()).toBe('by default');
  const headers = { 'content-type': 'application/json' };
  const created = await ask(`${url}/orders`, { method: 'POST', body: '{"item":"lamp"}', headers });
  expect([created.status, await created.json()]).toEqual([201, { item: 'lamp', shelf: 3 }]);
});

test('stray errors of a handler are logged, and the program goes on', async () => {
  const cwd = await folderWith({
    'stray.js': `
      export const late = () => { setTimeout(() => { throw new Error('thrown late'); }, 1); return 'ok'; };
      export const floating = () => { void Promise.reject(new Error('left floating')); return 'ok'; };
      export const unreadable = () => {
        void Promise.reject({ get message() { throw new Error('no'); }, toJSON() { throw new Error('no'); } });
        return 'ok';
      };`,
    'sluice.yaml': `
server: { host: 127.0.0.1, port: 0 }
routes:
  - { path: /late, handler: ./stray.js#late }
  - { path: /floating, handler: ./stray.js#floating }
  - { path: /unreadable, handler: ./stray.js#unreadable }
log: { requests: false }
`,
  });
  const { process, url } = await serve(['sluice.yaml'], { cwd });
  for (const path of ['/late', '/floating', '/unreadable', '/late']) {
    expect((await ask(`${url}${path}`)).status).toBe(200);
  }
  expect((await ask(`${url}/livez`)).status).toBe(200);
  process.signal('SIGTERM');
  expect((await process.ended).code).toBe(0);
  const errors = process.log.filter(({ level }) => level === 50);
  expect(errors).toHaveLength(4);
  expect(errors).toContainEqual(
    expect.objectContaining({
      msg: 'an error that nobody caught',
      err: expect.objectContaining({ message: 'thrown late' }) as object,
    }),
  );
  expect(errors).toContainEqual(
    expect.objectContaining({
      msg: 'a rejection that nobody handled',
      err: expect.objectContaining({ message: 'left floating' }) as object,
    }),
  );
});

test('every log line is one JSON document with level, time and message', async () => {
  const cwd = await folderWith({
    'sluice.yaml': `
server: { host: 127.0.0.1, port: 0 }
routes: [{ path: /work, handler: builtin:simulated-work, options: { durationMs: 0 } }]
`,
  });
  const { process, url } = await serve(['sluice.yaml'], { cwd });
  for (let i = 0; i < 5; i++) expect((await ask(`${url}/work`)).status).toBe(200);
  process.signal('SIGTERM');
  await process.ended;
  const requests = process.log.filter(({ msg }) => msg === 'request');
  expect(requests).toHaveLength(5);
  for (const line of process.log) {
    expect(line).toMatchObject({ level: 30, msg: expect.any(String) as string });
    expect(new Date(line['time'] as string).toISOString()).toBe(line['time']);
  }
  expect(requests[0]).toMatchObject({
    requestId: expect.any(String) as string,
    method: 'GET',
    path: '/work',
    route: '/work',
    status: 200,
    durationMs: expect.any(Number) as number,
  });
});

test('a port that is in use ends it with exit code 1 and one clear sentence', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void holder.close());
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  const { code, stdout, stderr } = await run(['serve', '--host', '127.0.0.1', '--port', `${port}`]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toBe(
    `sluice: cannot listen on 127.0.0.1:${port}: another program does. Choose another port with --port, or stop that program.\n`,
  );
});

test('a broken file is told with every problem, its line and its column, and exit code 2', async () => {
  const cwd = await folderWith({
    'broken.yaml': `server: { port: 80800 }
limiters:
  public: { ratePerSecond: 0 }
routes:
  - { path: nowhere, handler: builtin:digest, limiter: pubic }
  - { path: /a, handlr: builtin:digest }
`,
  });
  const { code, stdout, stderr } = await run(['serve', 'broken.yaml'], { cwd });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  const places = stderr.split('\n').map((line) => line.split(': expected ')[0]);
  expect(places).toEqual([
    'broken.yaml:1:17  server.port',
    'broken.yaml:3:28  limiters.public.ratePerSecond',
    'broken.yaml:5:13  routes[0].path',
    'broken.yaml:5:56  routes[0].limiter',
    'broken.yaml:6:5  routes[1].handler',
    'broken.yaml:6:17  routes[1].handlr',
    '',
    '6 problems in broken.yaml',
    '',
  ]);
});

test('a missing file, and a missing module, are told without a start, with exit code 2', async () => {
  const cwd = await folderWith({
    'sluice.yaml': 'routes:\n  - { path: /a, handler: ./missing.js }\n',
  });
  expect(await run(['serve', 'nowhere.yaml'], { cwd })).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'nowhere.yaml  expected a file to read, got no such file\n\n1 problem in nowhere.yaml\n',
  });
  const missing = await run(['serve', 'sluice.yaml'], { cwd });
  expect(missing).toMatchObject({ code: 2, stdout: '' });
  expect(missing.stderr).toContain(
    'sluice.yaml:2:26  routes[0].handler: expected a module that exists',
  );
});

test('exports that are not there, and modules that cannot be loaded, are told with their places', async () => {
  const cwd = await folderWith({
    'handlers.js': `setInterval(() => {}, 1000);
      export const read = () => 'read'; export const limit = 3;`,
    'throws.js': `throw new Error('no database');`,
    'sluice.yaml': `routes:
  - { path: /a, handler: ./handlers.js#raed }
  - { path: /b, handler: ./handlers.js#limit }
  - { path: /c, handler: ./handlers.js }
  - { path: /d, handler: ./throws.js }
  - { path: /e, handler: builtin:digest }
`,
  });
  const { code, stderr } = await run(['serve', 'sluice.yaml'], { cwd });
  expect(code).toBe(2);
  expect(stderr).toMatchInlineSnapshot(`
    "sluice.yaml:2:26  routes[0].handler: expected a module that exports a function, got "./handlers.js#raed" (it exports limit, read)
    sluice.yaml:3:26  routes[1].handler: expected a module that exports a function, got "./handlers.js#limit" (it exports limit, read)
    sluice.yaml:4:26  routes[2].handler: expected a module that exports a function, got "./handlers.js" (it exports limit, read)
    sluice.yaml:5:26  routes[3].handler: expected a module that exports a function, got "./throws.js" (it could not be loaded: Error: no database)
    sluice.yaml:6:5  routes[4].body: expected stream, as builtin:digest reads it, got json

    5 problems in sluice.yaml
    "
  `);
});

const WRONG: readonly (readonly [readonly string[], string])[] = [
  [['serve', '--port', 'http'], '--port: expected an integer from 0 to 65535, got "http"'],
  [['serve', '--port', '65536'], '--port: expected an integer from 0 to 65535, got 65536'],
  [['serve', '--port='], '--port: expected an integer from 0 to 65535, got ""'],
  [['serve', '--host='], '--host: expected an IP address or a host name, without port or scheme'],
  [['serve', '--host', 'http://a'], '--host: expected an IP address or a host name'],
  [['serve', '--prot', '1'], "error: unknown option '--prot'"],
  [['serve', 'a.yaml', 'b.yaml'], "error: too many arguments for 'serve'"],
  [['sreve'], "error: unknown command 'sreve'"],
  [[], 'Usage: sluice [options] [command]'],
];

test('wrong words on the command line end it with exit code 2, and it says why', async () => {
  const ends = await Promise.all(WRONG.map(([args]) => run(args)));
  for (const [i, [args, sentence]] of WRONG.entries()) {
    const { code, stdout, stderr } = ends[i]!;
    expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' });
    expect(stderr).toContain(sentence);
  }
});

test('--version and --help answer on standard output with exit code 0', async () => {
  expect(await run(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  const help = await run(['serve', '--help']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  for (const option of ['--host', '--port', '--print-config'])
    expect(help.stdout).toContain(option);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
