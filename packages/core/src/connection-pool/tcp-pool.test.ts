import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { InvalidOptionsError, TimeoutError } from '../core/index.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { tcpHooks } from './tcp-hooks.ts';
import { tcpPool, type TcpPoolOptions } from './tcp-pool.ts';

/** So long that nobody waits for another dial. */
const FAR = { type: 'constant', delayMs: 60_000 } as const;

interface Stage {
  readonly pool: ConnectionPool<Socket>;
  readonly server: Server;
  /** The server's ends, in the order in which they came. */
  readonly ends: Socket[];
  /** Resolves with the n-th end. */
  readonly end: (n: number) => Promise<Socket>;
}

async function listen(onSocket: (socket: Socket) => void): Promise<[Server, number]> {
  const server = createServer(onSocket);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return [server, (server.address() as AddressInfo).port];
}

/** A server that echoes, and a pool of sockets to it. */
async function stage(options: Partial<TcpPoolOptions> = {}): Promise<Stage> {
  const ends: Socket[] = [];
  const [server, port] = await listen((socket) => {
    ends.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => socket.write(chunk));
    server.emit('end of it');
  });
  const pool = tcpPool({ host: '127.0.0.1', port, max: 2, ...options });
  onTestFinished(async () => {
    await pool.stop({ timeoutMs: 0 });
    for (const socket of ends) socket.destroy();
    server.close();
  });
  const end = async (n: number): Promise<Socket> => {
    while (ends.length <= n) await once(server, 'end of it');
    return ends[n] as Socket;
  };
  return { pool, server, ends, end };
}

async function ask(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString();
}

/** Waits until the pool has ended a connection. */
function destroyed(pool: ConnectionPool<Socket>): Promise<{ readonly reason: string }> {
  return new Promise((resolve) => void pool.on('destroyed', resolve));
}

test('a socket is dialled, lent, and lent again', async () => {
  const { pool, ends } = await stage();
  const first = await pool.use(async (socket) => [socket, await ask(socket, 'a')] as const);
  const second = await pool.use(async (socket) => [socket, await ask(socket, 'b')] as const);
  expect([first[1], second[1]]).toEqual(['a', 'b']);
  expect(second[0]).toBe(first[0]);
  expect(ends).toHaveLength(1);
});

test('a socket that comes back is as it was when it was new', async () => {
  const { pool } = await stage();
  const heard: string[] = [];
  await pool.use(async (socket) => {
    socket.on('data', (chunk) => heard.push(String(chunk)));
    socket.setTimeout(1000, () => undefined);
    await ask(socket, 'mine');
    socket.pause();
  });
  await pool.use(async (socket) => {
    expect(socket.readableFlowing).toBeNull();
    expect(['data', 'timeout'].map((event) => socket.listenerCount(event))).toEqual([0, 0]);
    expect(await ask(socket, 'yours')).toBe('yours');
  });
  expect(heard).toEqual(['mine']);
});

test('a socket that was read by pulling can be read by listening next', async () => {
  const { pool } = await stage();
  await pool.use(async (socket) => {
    socket.write('pulled');
    await once(socket, 'readable');
    expect(String(socket.read())).toBe('pulled');
  });
  expect(await pool.use((socket) => ask(socket, 'pushed'))).toBe('pushed');
  expect(pool.stats().created).toBe(1);
});

test('an idle socket that the server ends, or resets, leaves the pool', async () => {
  const { pool, end } = await stage();
  for (const [n, leave] of [
    [0, (socket: Socket) => void socket.end()],
    [1, (socket: Socket) => void socket.resetAndDestroy()],
  ] as const) {
    await pool.use((socket) => ask(socket, 'x'));
    const gone = destroyed(pool);
    leave(await end(n));
    expect(await gone).toMatchObject({ reason: 'closed' });
    expect(pool.stats().open).toBe(0);
  }
});

test('a socket that nobody has used yet leaves the pool as well when the server ends it', async () => {
  const { pool, end } = await stage({ min: 1 });
  const gone = destroyed(pool);
  (await end(0)).end();
  expect(await gone).toMatchObject({ reason: 'closed', uses: 0 });
});

test('a socket whose holder listened and left in one turn does not lose what comes next', async () => {
  const { pool, end } = await stage();
  const socket = await pool.use((used) => used.on('data', () => undefined));
  (await end(0)).write('by the way');
  while (socket.readableLength === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(await pool.use((other) => ask(other, 'x'))).toBe('x');
  expect(pool.stats().created).toBe(2);
});

test('a socket that received what nobody asked for is not handed out', async () => {
  const { pool, end } = await stage();
  const first = await pool.use(async (socket) => {
    await ask(socket, 'x');
    return socket;
  });
  (await end(0)).write('by the way');
  while (first.readableLength === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(await pool.use((socket) => ask(socket, 'y'))).toBe('y');
  expect(pool.stats()).toMatchObject({ created: 2, destroyed: { closed: 1 } });
});

test('a socket with an unread answer, that decodes text, or is still listened to for reading, is not used again', async () => {
  const { pool } = await stage();
  await pool.use(async (socket) => {
    socket.write('unread');
    await once(socket, 'readable');
  });
  await pool.use(async (socket) => {
    socket.setEncoding('utf8');
    await ask(socket, 'x');
  });
  await pool.use(async (socket) => {
    await ask(socket, 'x');
    socket.on('readable', () => undefined);
  });
  expect(pool.stats()).toMatchObject({ created: 3, idle: 0 });
});

test('ping finds out that the other side went away without a word', async () => {
  let isSilent = false;
  const { pool, ends } = await stage({
    validateAfterIdleMs: 0,
    ping: async (socket, signal) => {
      if (isSilent) {
        isSilent = false;
        await once(signal, 'abort');
      }
      return (await ask(socket, 'ping')) === 'ping';
    },
  });
  await pool.use((socket) => ask(socket, 'x'));
  await pool.use((socket) => ask(socket, 'y'));
  expect(ends).toHaveLength(1);
  isSilent = true;
  pool.update({ hookTimeoutMs: 20 });
  expect(await pool.use((socket) => ask(socket, 'z'))).toBe('z');
  expect(pool.stats()).toMatchObject({ created: 2, destroyed: { unhealthy: 1 } });
});

test('prepare greets before the first use, and its failure is that of the dial', async () => {
  let isBad = true;
  const { pool } = await stage({
    retryBackoff: { type: 'constant', delayMs: 1 },
    prepare: async (socket) => {
      if ((await ask(socket, 'hello')) === 'hello' && !isBad) return;
      isBad = false;
      throw new Error('wrong password');
    },
  });
  const failures: unknown[] = [];
  pool.on('createFailed', ({ error }) => failures.push(error));
  expect(await pool.use((socket) => ask(socket, 'x'))).toBe('x');
  expect(failures).toEqual([new Error('wrong password')]);
});

test('a server that hangs up during prepare has failed the dial', async () => {
  const { pool, ends } = await stage({
    retryBackoff: FAR,
    prepare: async (socket) => {
      await ask(socket, 'hello');
      ends[0]?.end();
      await once(socket, 'close');
    },
  });
  const error = await pool.acquire().catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: 'SLUICE_TIMEOUT',
    cause: { message: 'the socket was no longer usable after prepare' },
  });
  expect(pool.stats()).toMatchObject({ open: 0, created: 0, createFailed: 1 });
});

test('a prepare that heeds no signal does not keep its socket beyond createTimeoutMs', async () => {
  const { pool, end } = await stage({
    createTimeoutMs: 30,
    prepare: () => new Promise(() => undefined),
  });
  const waits = pool.acquire({ timeoutMs: Infinity }).catch((error: unknown) => error);
  const socket = await end(0);
  socket.resume();
  await once(socket, 'close');
  await pool.stop();
  expect(await waits).toMatchObject({ code: 'SLUICE_STOPPED' });
});

test('who waits where nobody listens is told what the dial failed with', async () => {
  const [server, port] = await listen(() => undefined);
  server.close();
  const pool = tcpPool({
    host: '127.0.0.1',
    port,
    retryBackoff: FAR,
  });
  const error = await pool.acquire().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TimeoutError);
  expect(error).toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  await pool.stop();
});

test('a TLS handshake that is not answered in time is given up', async () => {
  const { pool, end } = await stage({ tls: true, createTimeoutMs: 50, retryBackoff: FAR });
  const waits = pool.acquire().catch((error: unknown) => error);
  const socket = await end(0);
  socket.removeAllListeners('data').resume();
  expect(await waits).toBeInstanceOf(TimeoutError);
});

test('a TLS handshake that is answered with something else fails as such', async () => {
  const { pool } = await stage({ tls: true, retryBackoff: FAR });
  const error = await pool.acquire().catch((reason: unknown) => reason);
  expect((error as Error).cause).toMatchObject({ library: 'SSL routines' });
});

test('by update and evict a pool moves to another address', async () => {
  const [from, to] = [await stage(), await stage()];
  await from.pool.use((socket) => ask(socket, 'x'));
  const { port } = to.server.address() as AddressInfo;
  from.pool.update(tcpHooks({ host: '127.0.0.1', port }));
  from.pool.evict();
  await from.pool.use((socket) => ask(socket, 'x'));
  expect([from.ends.length, to.ends.length]).toEqual([1, 1]);
});

test('after stop every socket is closed, at both ends', async () => {
  const { pool, end } = await stage();
  const [held, idle] = [await pool.acquire(), await pool.acquire()];
  const sockets = [held.value, idle.value];
  idle.release();
  const others = await Promise.all([end(0), end(1)]);
  const closed = others.map((socket) => once(socket, 'close'));
  await pool.stop({ timeoutMs: 0 });
  expect(sockets.map((socket) => socket.closed)).toEqual([true, true]);
  await Promise.all(closed);
});

test('wrong options are named, of the endpoint and of the limits', () => {
  expect(() => tcpPool({ host: '', port: 0 })).toThrow(
    'tcpHooks: host must be a host name or an address, got ""; port must be an integer from 1 to 65535, got 0',
  );
  expect(() => tcpPool({ host: 'a', port: 1, max: 0 })).toThrow(InvalidOptionsError);
});

test('whatever its holder listened for, a socket comes back as it was, time after time', async () => {
  const { pool } = await stage({ max: 1 });
  const counts: number[][] = [];
  for (let i = 0; i < 15; i++) {
    await pool.use((socket) => {
      const events = ['error', 'close', 'end', 'data', 'timeout', 'drain', 'of-my-own'];
      counts.push(events.map((event) => socket.listenerCount(event)));
      expect(socket.timeout).toBeFalsy();
      for (const event of events) if (event !== 'data') socket.on(event, () => undefined);
      socket.setTimeout(60_000);
    });
  }
  expect(counts).toEqual(counts.map(() => counts[0]));
  expect(pool.stats()).toMatchObject({ created: 1 });
});

test('a socket that was left corked is ended: it would keep back, or send, what is not the next one’s', async () => {
  const { pool } = await stage({ max: 1 });
  await pool.use((socket) => {
    socket.cork();
    socket.write('secret');
  });
  const echo = await pool.use(async (socket) => {
    socket.write('mine');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return String(answer);
  });
  expect(echo).toBe('mine');
  expect(pool.stats()).toMatchObject({ created: 2 });
});
