import type { Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { tcpPool, type ConnectionPool, type TcpPoolOptions } from '../src/index.ts';
import {
  ManualClock,
  misbehaviours,
  misbehavingServer,
  refusingServer,
  type MisbehavingServer,
  type Script,
} from '../src/testing/index.ts';
import { expectCleanStop, SOON } from './kit/connections/balance.ts';
import { ask, ping } from './kit/connections/line-client.ts';

/* A pool of real sockets before every kind of server that fails. */

const { closes, cuts, deaf, drips, garbage, halfCloses, inTurn, none } = misbehaviours;
const { resets, silent, slow, unsolicited } = misbehaviours;

interface Rig {
  readonly server: MisbehavingServer;
  readonly pool: ConnectionPool<Socket>;
  readonly clock: ManualClock;
}

let rig: Rig | undefined;

afterEach(expectNothingLeft);

async function expectNothingLeft(): Promise<void> {
  if (rig === undefined) return;
  const { pool, server, clock } = rig;
  rig = undefined;
  await expectCleanStop(pool, clock);
  server.become(silent());
  await server.stop();
}

/** The time of the pool stands still unless a test moves it, so nothing ends for being old. */
async function open(script: Script, options: Partial<TcpPoolOptions> = {}): Promise<Rig> {
  return start(await misbehavingServer(script), options);
}

function start(server: MisbehavingServer, options: Partial<TcpPoolOptions> = {}): Rig {
  const clock = new ManualClock();
  const { host, port } = server;
  rig = { server, clock, pool: tcpPool({ host, port, clock, max: 2, ...options }) };
  return rig;
}

function expectDestroyed(
  { pool }: Rig,
  reason: 'closed' | 'unhealthy',
  count: number,
): Promise<void> {
  return expect.poll(() => pool.stats().destroyed[reason], SOON).toBe(count);
}

test('an honest server is dialled once for all who come one after the other', async () => {
  const { pool, server } = await open(none());
  for (const line of ['a', 'b', 'c']) {
    expect(await pool.use((socket) => ask(socket, line))).toBe(line);
  }
  expect(server).toMatchObject({ accepted: 1, requests: 3 });
  expect(pool.stats()).toMatchObject({ created: 1, acquired: 3, open: 1, idle: 1 });
});

test('a server that closes after n uses is never asked on a connection that it has closed', async () => {
  const { pool, server } = await open(closes({ afterUses: 2 }));
  for (let use = 0; use < 10; use++) {
    expect(await pool.use((socket) => ask(socket, `use ${use}`))).toBe(`use ${use}`);
    // The FIN is on its way after each second answer.
    await expect.poll(() => pool.stats().destroyed.closed, SOON).toBe(Math.floor((use + 1) / 2));
  }
  expect(server.accepted).toBe(5);
});

test('maxUses ends a connection before the server does', async () => {
  const { pool, server } = await open(closes({ afterUses: 3, by: 'reset' }), { maxUses: 2 });
  for (let use = 0; use < 10; use++) await pool.use((socket) => ask(socket, 'x'));
  expect(server).toMatchObject({ accepted: 5, requests: 10 });
  await expect.poll(() => pool.stats().destroyed, SOON).toMatchObject({ uses: 5, closed: 0 });
});

test.each([
  { how: 'resets', script: (): Script => resets({ afterBytes: 4 }) },
  { how: 'closes', script: (): Script => closes({ afterUses: 0 }) },
  { how: 'half-closes', script: (): Script => halfCloses() },
])('a connection that the server $how while it is idle is never handed out', async ({ script }) => {
  const all = await open(inTurn(script(), none()));
  const { pool, server } = all;
  const first = await pool.acquire();
  first.value.write('idle');
  first.release();
  await expectDestroyed(all, 'closed', 1);
  expect(await pool.use((socket) => ask(socket, 'alive'))).toBe('alive');
  expect(server.accepted).toBe(2);
});

test('a connection on which data comes while nobody asked is never handed out', async () => {
  const clock = new ManualClock();
  const server = await misbehavingServer(
    inTurn(unsolicited({ data: 'stray\n', afterMs: 10 }), none()),
    { clock },
  );
  const all = start(server);
  const first = await all.pool.acquire();
  const socket = first.value;
  expect(await ask(socket, 'a')).toBe('a');
  first.release();
  await expect.poll(() => clock.pending, SOON).toBe(1);
  clock.advance(10);
  await expect.poll(() => socket.bytesRead, SOON).toBe('a\nstray\n'.length);
  expect(await all.pool.use((other) => ask(other, 'b'))).toBe('b');
  await expectDestroyed(all, 'closed', 1);
});

test('a server that stops answering is found out by a ping before the hand-out', async () => {
  const all = await open(inTurn(closeAfterOneAnswer('silently'), none()), { ping });
  const { pool, clock } = all;
  expect(await pool.use((socket) => ask(socket, 'a'))).toBe('a');
  clock.advance(1000);
  const answer = pool.use((socket) => ask(socket, 'b'));
  await expect.poll(() => pool.stats().busy, SOON).toBe(1);
  clock.advance(1000); // As long as a check may take.
  expect(await answer).toBe('b');
  expect(pool.stats().destroyed).toMatchObject({ unhealthy: 1 });
});

/** Answers one request, and nothing more. */
function closeAfterOneAnswer(_how: 'silently'): Script {
  return async (peer) => peer.write(await peer.request());
}

test.each([
  {
    how: 'garbage',
    script: (): Script => garbage({ bytes: 5, requestEnd: '\n', random: { next: () => 0.04 } }),
  },
  { how: 'an answer that is cut', script: (): Script => cuts({ bytes: 2 }) },
  { how: 'a reset', script: (): Script => resets({ afterBytes: 5 }) },
])('a ping that is answered with $how ends the connection', async ({ script }) => {
  const all = await open(inTurn(script(), none()), { ping });
  const { pool, clock } = all;
  (await pool.acquire()).release();
  clock.advance(1000);
  expect(await pool.use((socket) => ask(socket, 'x'))).toBe('x');
  const { closed, unhealthy } = pool.stats().destroyed;
  expect(closed + unhealthy).toBe(1);
});

test.each([
  {
    how: 'is slow',
    script: (clock: ManualClock): [Script, ManualClock] => [slow({ delayMs: 300 }), clock],
  },
  {
    how: 'drips',
    script: (clock: ManualClock): [Script, ManualClock] => [drips({ everyMs: 100 }), clock],
  },
])('a server that $how holds up who uses it, and who waits is told in time', async ({ script }) => {
  const serverClock = new ManualClock();
  const [made] = script(serverClock);
  const { pool, clock } = start(await misbehavingServer(made, { clock: serverClock }), { max: 1 });
  const answer = pool.use((socket) => ask(socket, 'abc'));
  await expect.poll(() => serverClock.pending, SOON).toBe(1);
  const late = pool.acquire({ timeoutMs: 200 });
  clock.advance(200);
  await expect(late).rejects.toThrow(/no connection was free within 200 ms/);
  for (let step = 0; step < 3; step++) {
    await expect.poll(() => serverClock.pending, SOON).toBe(1);
    serverClock.advance(100);
  }
  expect(await answer).toBe('abc');
  expect(await pool.acquire({ timeoutMs: 0 }).then((lease) => lease.release())).toBeUndefined();
});

test('a deaf server holds nobody but its user', async () => {
  const { pool } = await open(inTurn(deaf(), none()));
  const stuck = await pool.acquire();
  stuck.value.write(Buffer.alloc(32 << 20));
  expect(await pool.use((socket) => ask(socket, 'x'))).toBe('x');
  stuck.destroy(new Error('it takes nothing'));
  await expect.poll(() => pool.stats().destroyed.error, SOON).toBe(1);
});

test('who waits for a server that refuses is told why, and a server that comes back is found', async () => {
  const { pool, clock, server } = start(await refusingServer());
  const told = pool.acquire({ timeoutMs: 50 });
  await expect(told).rejects.toMatchObject({
    name: 'TimeoutError',
    cause: { code: 'ECONNREFUSED' },
  });
  server.become(none());
  await server.accept();
  const answer = pool.use((socket) => ask(socket, 'back'), { timeoutMs: 60_000 });
  clock.advance(5000); // The longest pause between dials.
  expect(await answer).toBe('back');
});

test.each([
  { how: 'resets', script: resets },
  { how: 'half-closes', script: halfCloses },
  { how: 'closes', script: (): Script => closes({ afterUses: 0 }) },
])('a server that $how every connection at once is not dialled in a loop', async ({ script }) => {
  const { pool, server } = await open(script(), { min: 1 });
  const failed = (): number => pool.stats().destroyed.closed + pool.stats().createFailed;
  await expect.poll(failed, SOON).toBeGreaterThan(0);
  await expectQuiet(() => server.accepted);
  // Time stands still, so that no pause between dials can be over.
  expect(server.accepted).toBeLessThanOrEqual(2);
});

/** Nothing more comes while others are served a hundred times: whoever dials in a loop would be among them. */
async function expectQuiet(count: () => number): Promise<void> {
  await using other = await misbehavingServer(none());
  await using pool = tcpPool({ host: other.host, port: other.port, maxUses: 1 });
  const before = count();
  for (let use = 0; use < 100; use++) await pool.use((socket) => ask(socket, 'x'));
  expect(count()).toBeLessThanOrEqual(before + 1);
}
