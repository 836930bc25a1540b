import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { ManualClock, settlePromises } from '@sluice/core/testing';
import { expect, test } from 'vitest';

import { Exchanges } from './exchanges.ts';

function setup() {
  const clock = new ManualClock();
  const exchanges = new Exchanges(clock, () => undefined);
  let settled = 0;
  const wait = (done: () => boolean, withinMs: number): void => {
    void exchanges.until(done, withinMs).then(() => settled++);
  };
  return { clock, wait, settled: () => settled };
}

test('until ends at once when there is nothing to wait for, or no time', async () => {
  const { clock, wait, settled } = setup();
  wait(() => true, 100);
  wait(() => false, 0);
  wait(() => false, -5);
  await settlePromises();
  expect(settled()).toBe(3);
  expect(clock.pending).toBe(0);
});

test('until ends after its time, and not before, and leaves no timer', async () => {
  const { clock, wait, settled } = setup();
  wait(() => false, 100);
  await clock.run(99);
  expect(settled()).toBe(0);
  await clock.run(1);
  expect(settled()).toBe(1);
  expect(clock.pending).toBe(0);
});

function newExchange(exchanges: Exchanges, socket = new Socket()): ServerResponse {
  const request = new IncomingMessage(socket);
  const response = new ServerResponse(request);
  exchanges.begin(request, response);
  return response;
}

test('exchanges end in any order, each once, and those that are left are found', () => {
  const ended: number[] = [];
  const exchanges = new Exchanges(new ManualClock(), ({ status }) => ended.push(status));
  const responses = Array.from({ length: 5 }, () => newExchange(exchanges));
  for (const place of [1, 4, 0]) {
    responses[place]?.emit('close');
    responses[place]?.emit('close');
  }
  expect(exchanges.active).toBe(2);
  expect(ended).toEqual([499, 499, 499]);
  for (const place of [2, 3]) {
    const response = responses[place] as ServerResponse;
    expect(exchanges.lastOn(response.req.socket)).toBe(response);
    response.emit('close');
    expect(exchanges.lastOn(response.req.socket)).toBeUndefined();
  }
  expect(exchanges.active).toBe(0);
});

test('a collection of the young generation frees exchanges that are over', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void;
  const heldNumbers = 2048;
  const exchanges = new Exchanges(new ManualClock(), () => undefined);
  const socket = new Socket();
  let open: ServerResponse[] = [];
  const turn = (): void => {
    const begun = Array.from({ length: 20 }, () => newExchange(exchanges, socket));
    for (const response of begun) {
      Object.assign(response, { held: new Array<number>(heldNumbers).fill(0.5) });
      open.shift()?.emit('close');
    }
    collect({ type: 'minor' });
    open = begun;
  };
  for (let round = 0; round < 50; round++) turn();
  const before = oldBytes();
  for (let round = 0; round < 200; round++) turn();
  expect((oldBytes() - before) / 4000).toBeLessThan(heldNumbers / 4);
});

function oldBytes(): number {
  const old = getHeapSpaceStatistics().filter(({ space_name }) => /^old|large/.test(space_name));
  return old.reduce((sum, { space_used_size }) => sum + space_used_size, 0);
}
