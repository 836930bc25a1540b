import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { systemClock, type Clock } from '@sluice/core';
import { ManualClock } from '@sluice/core/testing';
import { afterEach, expect, test } from 'vitest';
import { Connections } from './connections.ts';
import { planOf } from './plan.ts';
import { targetOf } from './target.ts';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function setUp(listener: RequestListener, clock: Clock) {
  const sockets: Socket[] = [];
  const server: Server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const settled: { status?: number; latencyMs?: number; kind?: string }[] = [];
  const plan = planOf({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });
  const target = targetOf(plan);
  const connections = new Connections({
    target: {
      ...target,
      // undici's connector returns its socket, though its type does not say so.
      connect: (...args) => sockets.push(target.connect(...args) as unknown as Socket),
    },
    clock,
    maxInFlight: 3,
    timeoutMs: 10_000,
    settlements: {
      answered: (status, latencyMs) => settled.push({ status, latencyMs }),
      failed: (kind) => settled.push({ kind }),
    },
  });
  cleanups.push(async () => {
    connections.abandon();
    await connections.close();
    server.close().closeAllConnections();
  });
  return { server, sockets, connections, settled };
}

test('a latency counts from when the request was due, however late it was sent', async () => {
  const { connections, settled } = await setUp((_request, response) => response.end(), systemClock);
  const nowMs = systemClock.nowMs();
  connections.send(nowMs - 500, nowMs);
  await connections.idle();
  expect(settled).toHaveLength(1);
  expect(settled[0]?.latencyMs).toBeGreaterThanOrEqual(500);
});

test('beyond the bound in flight nothing is sent, until an answer makes room', async () => {
  const answers: (() => void)[] = [];
  const { server, connections, settled } = await setUp((_request, response) => {
    answers.push(() => response.end());
  }, systemClock);
  expect([1, 2, 3, 4].map(() => connections.send(0, 0))).toEqual([true, true, true, false]);
  while (answers.length < 3) await once(server, 'request');
  answers.splice(0).forEach((answer) => answer());
  await connections.idle();
  expect(settled).toHaveLength(3);
  expect(connections.send(0, 0)).toBe(true);
  expect(connections.peakInFlight).toBe(3);
});

test('each request has its own full time, counted from its sending', async () => {
  const clock = new ManualClock();
  const { connections, settled } = await setUp(() => {}, clock);
  connections.send(-700, 0);
  clock.advance(4);
  connections.send(4, 4);
  clock.advanceTo(9999);
  expect(settled).toEqual([]);
  clock.advanceTo(10_000);
  expect(settled).toEqual([{ kind: 'timeout' }]);
  clock.advanceTo(10_004);
  expect(settled).toEqual([{ kind: 'timeout' }, { kind: 'timeout' }]);
  await connections.idle();
  expect(clock.pending).toBe(0);
});

test('requests that are abandoned are counted, not reported', async () => {
  const { server, connections, settled } = await setUp(() => {}, systemClock);
  connections.send(0, 0);
  connections.send(0, 0);
  const idle = connections.idle();
  await once(server, 'request');
  expect(connections.abandon()).toBe(2);
  await idle;
  await connections.close();
  expect(connections.inFlight).toBe(0);
  expect(settled).toEqual([]);
});

test('closing ends the sockets that are still connecting, so that nothing keeps the process alive', async () => {
  const { sockets, connections } = await setUp(() => {}, systemClock);
  connections.send(0, 0);
  connections.abandon();
  await connections.close();
  expect(sockets.map((socket) => socket.destroyed)).toEqual([true]);
});
