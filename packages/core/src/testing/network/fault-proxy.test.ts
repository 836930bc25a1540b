import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { InvalidOptionsError } from '../../core/index.ts';
import { ManualClock } from '../manual-clock.ts';
import { FaultProxy, type FaultProxyOptions } from './fault-proxy.ts';
import { misbehavingServer, type MisbehavingServer } from './misbehaving-server.ts';
import { halfCloses, none } from './misbehaviours.ts';
import type { Script } from './script.ts';

/** A client that remembers what it heard. */
class Client {
  readonly socket: Socket;
  heard = '';
  hasEnd = false;
  error: string | undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.socket.on('data', (data: Buffer) => {
      this.heard += data.toString('latin1');
    });
    this.socket.on('end', () => {
      this.hasEnd = true;
    });
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message;
    });
  }

  say(text: string): void {
    this.socket.write(text);
  }
}

const LONG = { timeout: 20_000, interval: 2 };
const clock = new ManualClock();
let opened: { server: MisbehavingServer; proxy: FaultProxy; clients: Client[] } | undefined;

function expectHeard(client: Client, text: string): Promise<void> {
  return expect.poll(() => client.heard, LONG).toBe(text);
}

function expectFailed(client: Client, code: string): Promise<void> {
  return expect.poll(() => client.error, LONG).toBe(code);
}

afterEach(expectNothingLeft);

async function expectNothingLeft(): Promise<void> {
  if (!opened) return;
  const { server, proxy, clients } = opened;
  opened = undefined;
  await proxy.stop();
  expect(proxy.connections).toBe(0);
  for (const { socket } of clients) socket.destroy();
  await server.stop();
  expect(server.connections).toBe(0);
  expect(clock.pending).toBe(0);
}

async function open(
  options: Partial<FaultProxyOptions> = {},
  script: Script = none(),
): Promise<{ proxy: FaultProxy; server: MisbehavingServer; client: () => Client }> {
  const server = await misbehavingServer(script);
  const proxy = await FaultProxy.listen({ target: server, clock, ...options });
  const clients: Client[] = [];
  opened = { server, proxy, clients };
  const client = (): Client => {
    const made = new Client(proxy.port);
    clients.push(made);
    return made;
  };
  return { proxy, server, client };
}

/** Until so many bytes have come to the proxy, which is all that a clock that stands still can wait for. */
async function underWay(count: number): Promise<void> {
  await expect.poll(() => clock.pending, LONG).toBe(count);
}

test('a proxy without faults passes both ways and counts what it passes', async () => {
  const { proxy, client } = await open();
  const one = client();
  one.say('ping\n');
  await expectHeard(one, 'ping\n');
  expect(proxy.bytes).toEqual({ upstream: 5, downstream: 5 });
  expect(proxy).toMatchObject({ connections: 1, accepted: 1, host: '127.0.0.1' });
  expect(proxy.url).toBe(`http://127.0.0.1:${proxy.port}`);
  one.socket.end();
  await expect.poll(() => proxy.connections, LONG).toBe(0);
  await expect.poll(() => one.hasEnd, LONG).toBe(true);
});

test('latency holds each byte for its time, and its end heals what is under way', async () => {
  const { proxy, server, client } = await open();
  const one = client();
  proxy.set({ latencyMs: 100 }, 'upstream');
  one.say('a\n');
  await underWay(1);
  clock.advance(99);
  expect(clock.pending).toBe(1);
  clock.advance(1);
  await expectHeard(one, 'a\n');
  one.say('b\n');
  await underWay(1);
  expect(server.requests).toBe(1);
  await proxy.heal();
  await expectHeard(one, 'a\nb\n');
});

test('jitter changes the latency by at most itself, and never the order', async () => {
  const draws = [0, 0.999999, 0.5];
  const random = { next: (): number => draws.shift() ?? 0.5 };
  const { proxy, client } = await open({ random });
  const one = client();
  one.say('warm\n'); // Draws twice: for the way there and back.
  await expectHeard(one, 'warm\n');
  draws.splice(0, draws.length, 0, 0.5);
  proxy.set({ latencyMs: 100, jitterMs: 40 }, 'upstream');
  one.say('early\n');
  await underWay(1);
  expect(clock.nextDueMs - clock.nowMs()).toBeCloseTo(60, 6);
  one.say('late\n');
  clock.advance(60);
  await expectHeard(one, 'warm\nearly\n');
  await underWay(1);
  clock.advance(100);
  await expectHeard(one, 'warm\nearly\nlate\n');
});

test('a narrow band spreads bytes evenly over time', async () => {
  const { proxy, server, client } = await open();
  proxy.set({ bytesPerSecond: 1000 }, 'upstream');
  const one = client();
  one.say(`${'x'.repeat(99)}\n`);
  await underWay(1);
  const startMs = clock.nowMs();
  // 20 bytes leave at once, and 20 more every 20 ms.
  for (const passed of [20, 40, 60, 80]) {
    expect(proxy.bytes.upstream).toBe(passed);
    clock.advance(20);
  }
  expect(clock.nowMs() - startMs).toBe(80);
  await expectHeard(one, `${'x'.repeat(99)}\n`);
  expect(server.requests).toBe(1);
});

test('a connection that hangs says nothing, and goes on when it is healed', async () => {
  const { proxy, server, client } = await open();
  const one = client();
  one.say('a\n');
  await expectHeard(one, 'a\n');
  proxy.hang();
  one.say('b\n');
  one.socket.end();
  const two = client();
  two.say('new\n');
  await expect.poll(() => proxy.connections, LONG).toBe(2);
  expect(one).toMatchObject({ heard: 'a\n', hasEnd: false, error: undefined });
  expect(two).toMatchObject({ heard: '', hasEnd: false, error: undefined });
  expect(server.requests).toBe(1);
  await proxy.heal();
  await expectHeard(one, 'a\nb\n');
  await expectHeard(two, 'new\n');
  await expect.poll(() => one.hasEnd, LONG).toBe(true);
});

test('a hang in one direction lets the other pass', async () => {
  const { proxy, server, client } = await open();
  proxy.hang('downstream');
  const one = client();
  one.say('a\n');
  await expect.poll(() => server.requests, LONG).toBe(1);
  expect(one.heard).toBe('');
  await proxy.heal();
  await expectHeard(one, 'a\n');
});

test('a proxy that refuses leaves what is connected, and heals', async () => {
  const { proxy, client } = await open();
  const one = client();
  one.say('a\n');
  await expectHeard(one, 'a\n');
  await proxy.refuse();
  await expectFailed(client(), 'ECONNREFUSED');
  one.say('b\n');
  await expectHeard(one, 'a\nb\n');
  await proxy.refuse('reset');
  await expectFailed(client(), 'ECONNRESET');
  await proxy.heal();
  const two = client();
  two.say('c\n');
  await expectHeard(two, 'c\n');
});

test('a reset reaches both ends of every connection, and no later one', async () => {
  const { proxy, server, client } = await open();
  const some = [client(), client(), client()];
  for (const each of some) each.say('a\n');
  for (const each of some) await expectHeard(each, 'a\n');
  await proxy.reset();
  for (const each of some) await expectFailed(each, 'ECONNRESET');
  await expect.poll(() => proxy.connections + server.connections, LONG).toBe(0);
  const next = client();
  next.say('b\n');
  await expectHeard(next, 'b\n');
});

test('a reset reaches whom the proxy has not yet heard of', async () => {
  const { proxy, client } = await open();
  const some = Array.from({ length: 20 }, client);
  await Promise.all(some.map(({ socket }) => once(socket, 'connect')));
  await proxy.reset();
  for (const each of some) await expectFailed(each, 'ECONNRESET');
  expect(proxy.accepted).toBe(20);
});

test('a half-close ends one direction and leaves the other', async () => {
  const { proxy, server, client } = await open();
  const one = client();
  one.say('a\n');
  await expectHeard(one, 'a\n');
  await proxy.halfClose('downstream');
  await expect.poll(() => one.hasEnd, LONG).toBe(true);
  one.say('b\n');
  await expect.poll(() => server.requests, LONG).toBe(2);
  expect(one.heard).toBe('a\n');
  one.socket.end();
  await expect.poll(() => proxy.connections, LONG).toBe(0);
});

test('the half-close of a server comes through', async () => {
  const { client } = await open({}, halfCloses());
  const one = client();
  await expect.poll(() => one.hasEnd, LONG).toBe(true);
  expect(one.socket.writable).toBe(true);
});

test.each([
  { cutBy: 'reset', error: 'ECONNRESET' },
  { cutBy: 'end', error: undefined },
] as const)('a cut by $cutBy comes after exactly its bytes', async ({ cutBy, error }) => {
  const { proxy, client } = await open();
  proxy.set({ cutAfterBytes: 7, cutBy }, 'downstream');
  const one = client();
  one.say('abc\n');
  await expectHeard(one, 'abc\n');
  one.say('defghi\n');
  await expectHeard(one, 'abc\ndef');
  await expect.poll(() => one.hasEnd || one.error !== undefined, LONG).toBe(true);
  expect(one.error).toBe(error);
  expect(proxy.bytes.downstream).toBe(7);
});

test('a target that refuses looks like a reset', async () => {
  const { server, client } = await open();
  await server.refuse();
  await expectFailed(client(), 'ECONNRESET');
});

test('a sender who is faster than the band has to wait', async () => {
  const { proxy, client } = await open();
  proxy.set({ bytesPerSecond: 1 });
  const one = client();
  const megabyte = Buffer.alloc(1 << 20);
  for (let sent = 0; sent < 64; sent++) one.socket.write(megabyte);
  await underWay(1);
  // What neither the proxy nor the system takes stays with the sender.
  await expect.poll(() => one.socket.writableLength, LONG).toBeGreaterThan(16 << 20);
});

test('stop ends everything, whatever the fault, and may be called twice', async () => {
  const { proxy, client } = await open();
  proxy.set({ latencyMs: 1000 });
  client().say('a\n');
  await underWay(1);
  proxy.hang();
  client().say('b\n');
  await proxy.refuse();
  await Promise.all([proxy.stop(), proxy.stop()]);
  expect(proxy.connections).toBe(0);
  expect(clock.pending).toBe(0);
});

test('a proxy that goes out of scope has stopped', async () => {
  const { server } = await open();
  let port = 0;
  {
    await using proxy = await FaultProxy.listen({ target: { port: server.port } });
    port = proxy.port;
  }
  const socket = connect(port, '127.0.0.1');
  await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('wrong options are named, all at once', async () => {
  const options = { target: { port: 0 }, port: -1 };
  await expect(FaultProxy.listen(options)).rejects.toThrow(InvalidOptionsError);
  await expect(FaultProxy.listen(options)).rejects.toThrow(/target must be[^]*port must be/);
  const { proxy } = await open();
  expect(() => proxy.set({ latencyMs: -1 })).toThrow(InvalidOptionsError);
  expect(() => proxy.set({ bytesPerSecond: 0 })).toThrow(/bytesPerSecond/);
});
