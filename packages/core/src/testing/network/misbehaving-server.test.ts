import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import { SeededRandom } from '../seeded-random.ts';
import { misbehavingServer, refusingServer, type MisbehavingServer } from './misbehaving-server.ts';
import * as misbehaviours from './misbehaviours.ts';
import { http, type Script } from './script.ts';

const LONG = { timeout: 20_000, interval: 2 };
const clock = new ManualClock();
let server: MisbehavingServer | undefined;
const sockets: Socket[] = [];

afterEach(expectNothingLeft);

async function expectNothingLeft(): Promise<void> {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server?.stop();
  expect(server?.connections).toBe(0);
  expect(clock.pending).toBe(0);
}

async function serve(script: Script): Promise<MisbehavingServer> {
  server = await misbehavingServer(script, { clock });
  return server;
}

interface Heard {
  readonly socket: Socket;
  text: string;
  /** How the connection ended: 'end', or the code of an error. */
  end: string | undefined;
}

async function dial(at: MisbehavingServer): Promise<Heard> {
  const socket = connect({ port: at.port, host: at.host, allowHalfOpen: true, noDelay: true });
  sockets.push(socket);
  const heard: Heard = { socket, text: '', end: undefined };
  socket.on('data', (data: Buffer) => {
    heard.text += data.toString('latin1');
  });
  socket.on('end', () => {
    heard.end ??= 'end';
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    heard.end = error.code ?? '?';
  });
  await once(socket, 'connect');
  return heard;
}

function expectSoon<T>(look: () => T, expected: T): Promise<void> {
  return expect.poll(look, LONG).toEqual(expected);
}

test('a server that does nothing wrong answers every line, also a client who half-closes', async () => {
  const peer = await dial(await serve(misbehaviours.none()));
  peer.socket.end('a\nb\nc\n');
  await expectSoon(() => peer, { socket: peer.socket, text: 'a\nb\nc\n', end: 'end' });
  await expectSoon(() => server?.connections, 0);
  expect(server).toMatchObject({ accepted: 1, requests: 3 });
});

test('a silent server takes everything and says nothing, until the client goes', async () => {
  const peer = await dial(await serve(misbehaviours.silent()));
  peer.socket.write(Buffer.alloc(8 << 20));
  await expectSoon(() => peer.socket.writableLength, 0);
  expect(peer).toMatchObject({ text: '', end: undefined });
  peer.socket.end();
  await expectSoon(() => peer.end, 'end');
});

test('a deaf server takes no more than the buffers between', async () => {
  const peer = await dial(await serve(misbehaviours.deaf()));
  for (let sent = 0; sent < 64; sent++) peer.socket.write(Buffer.alloc(1 << 20));
  await expect.poll(() => peer.socket.bytesWritten - peer.socket.writableLength).toBeGreaterThan(0);
  expect(peer.socket.writableLength).toBeGreaterThan(16 << 20);
});

test('a server resets at once, or after so many bytes', async () => {
  const peer = await dial(await serve(misbehaviours.resets({ afterBytes: 3 })));
  peer.socket.write('ab');
  await expectSoon(() => server?.accepted, 1);
  expect(peer.end).toBeUndefined();
  peer.socket.write('c');
  await expectSoon(() => peer.end, 'ECONNRESET');
  server?.become(misbehaviours.resets());
  const next = connect(server?.port ?? 0, '127.0.0.1');
  sockets.push(next);
  const [error] = (await once(next, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
});

test('a server half-closes after its answers, and reads on', async () => {
  const peer = await dial(await serve(misbehaviours.halfCloses({ afterUses: 1 })));
  peer.socket.write('a\n');
  await expectSoon(() => peer.end, 'end');
  expect(peer.text).toBe('a\n');
  peer.socket.write(Buffer.alloc(8 << 20));
  await expectSoon(() => peer.socket.writableLength, 0);
});

test('a slow server answers after its delay', async () => {
  const peer = await dial(await serve(misbehaviours.slow({ delayMs: 500 })));
  for (const said of ['a\n', 'a\nb\n']) {
    peer.socket.write(said.slice(-2));
    await expectSoon(() => clock.pending, 1);
    clock.advance(499);
    expect(clock.pending).toBe(1);
    clock.advance(1);
    await expectSoon(() => peer.text, said);
  }
});

test('a dripping server sends so many bytes at a time', async () => {
  const peer = await dial(await serve(misbehaviours.drips({ everyMs: 10, bytes: 2 })));
  peer.socket.write('abcd\n');
  for (const part of ['ab', 'abcd', 'abcd\n']) {
    await expectSoon(() => peer.text, part);
    if (part.length < 5) await expectSoon(() => clock.pending, 1);
    clock.advance(10);
  }
});

test.each([
  { by: 'close', end: 'end' },
  { by: 'reset', end: 'ECONNRESET' },
] as const)('a server ends a connection by $by after n uses', async ({ by, end }) => {
  const peer = await dial(await serve(misbehaviours.closes({ afterUses: 2, by })));
  peer.socket.write('a\n');
  await expectSoon(() => peer.text, 'a\n');
  expect(peer.end).toBeUndefined();
  peer.socket.write('b\n');
  await expectSoon(() => peer.end, end);
  expect(peer.text).toBe('a\nb\n');
  await expectSoon(() => server?.connections, 0);
});

test('an answer is cut after n bytes', async () => {
  const peer = await dial(await serve(misbehaviours.cuts({ bytes: 2 })));
  peer.socket.write('abcd\n');
  await expectSoon(() => peer.end, 'end');
  expect(peer.text).toBe('ab');
});

test('garbage comes by chance, and again by the same chance', async () => {
  const answers: string[] = [];
  for (const random of [new SeededRandom(1), new SeededRandom(1)]) {
    await server?.stop();
    const peer = await dial(await serve(misbehaviours.garbage({ bytes: 32, random })));
    peer.socket.write('a\n');
    await expectSoon(() => peer.text.length, 32);
    answers.push(peer.text);
  }
  expect(answers[0]).toBe(answers[1]);
});

test('a server speaks unasked when it has been idle, and answers nevertheless', async () => {
  const script = misbehaviours.unsolicited({ data: 'hello?', afterMs: 100 });
  const peer = await dial(await serve(script));
  await expectSoon(() => clock.pending, 1);
  clock.advance(50);
  peer.socket.write('a\n');
  await expectSoon(() => peer.text, 'a\n');
  await expectSoon(() => clock.pending, 1);
  clock.advance(100);
  await expectSoon(() => peer.text, 'a\nhello?');
});

test('scripts take turns by connection, and the last one stays', async () => {
  const script = misbehaviours.inTurn(misbehaviours.cuts({ bytes: 1 }), misbehaviours.none());
  await serve(script);
  for (const answer of ['a', 'abc\n', 'abc\n']) {
    const peer = await dial(server as MisbehavingServer);
    peer.socket.write('abc\n');
    await expectSoon(() => peer.text, answer);
  }
});

test('a canned HTTP response serves a real client, and fails it in every way', async () => {
  await serve(misbehaviours.none(http('hello')));
  const whole = await fetchText(server as MisbehavingServer);
  expect(whole).toEqual({ status: 200, text: 'hello' });
  server?.become(misbehaviours.cuts({ bytes: http('hello').answer.length - 2, ...http('hello') }));
  await expect(fetchText(server as MisbehavingServer)).rejects.toMatchObject({
    code: 'ECONNRESET',
  });
  server?.become(misbehaviours.garbage({ ...http() }));
  await expect(fetchText(server as MisbehavingServer)).rejects.toThrow(/Parse Error/);
});

async function fetchText(from: MisbehavingServer): Promise<{ status: unknown; text: string }> {
  const [response] = (await once(get(from.url, { agent: false }), 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, text };
}

test('a refusing server has a port, and nobody behind it until it accepts', async () => {
  server = await refusingServer();
  await expect(dial(server)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  server.become(misbehaviours.none());
  await server.accept();
  const peer = await dial(server);
  peer.socket.write('a\n');
  await expectSoon(() => peer.text, 'a\n');
});

test('a server resets or ends all its connections on demand', async () => {
  await serve(misbehaviours.none());
  const first = await dial(server as MisbehavingServer);
  await expectSoon(() => server?.connections, 1);
  await server?.end();
  await expectSoon(() => first.end, 'end');
  const second = await dial(server as MisbehavingServer);
  await expectSoon(() => server?.accepted, 2);
  await server?.reset();
  await expectSoon(() => second.end, 'ECONNRESET');
});

test('a mistake in a script is a warning, and ends no process', async () => {
  const warned = once(process, 'warning');
  await serve(() => {
    throw new Error('a mistake in the script');
  });
  await dial(server as MisbehavingServer);
  const [warning] = (await warned) as [Error];
  expect(warning.message).toBe('a mistake in the script');
});
