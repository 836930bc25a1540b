import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { stepsFor } from './pace.ts';
import type { Pool, PoolMaker } from './pool.ts';
import * as makers from './pools.ts';
import { sluicePools } from './sluice.ts';

const all = [...Object.values(makers).flat(), ...sluicePools] as readonly PoolMaker[];
const moving = all.filter(({ name }) => name !== 'poolifier');

async function opened(maker: PoolMaker, threads: number): Promise<Pool> {
  const pool = await maker.open(threads);
  onTestFinished(() => pool.close());
  return pool;
}

test('no two pools share a name', () => {
  const names = all.map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
});

test.each(all)('$name answers with the value that it was given', async (maker) => {
  const pool = await opened(maker, 1);
  const bytes = new Uint8Array([1, 2, 3]);
  expect(await pool.caller('noop')({ list: [1, { deep: 'value' }] })).toEqual({
    list: [1, { deep: 'value' }],
  });
  expect(await pool.caller('noop')(bytes)).toEqual(new Uint8Array([1, 2, 3]));
  expect(bytes).toHaveLength(3);
  expect(await pool.caller('burn')(stepsFor(10))).toBe(stepsFor(10));
});

test.each(moving)('$name moves bytes there and back', async (maker) => {
  const pool = await opened(maker, 1);
  const bytes = new Uint8Array([1, 2, 3]);
  expect(await pool.caller('giveBack')(bytes, [bytes.buffer])).toEqual(new Uint8Array([1, 2, 3]));
  expect(bytes).toHaveLength(0);
});

test.each(all)('$name leaves no thread behind when it is closed', async (maker) => {
  const workers: Worker[] = [];
  const note = (worker: Worker): unknown => workers.push(worker);
  process.on('worker', note);
  onTestFinished(() => void process.off('worker', note));
  const pool = await maker.open(2);
  await pool.caller('noop')(1);
  await pool.close();
  expect(workers).toHaveLength(2);
  const running = workers.filter(({ threadId }) => threadId !== -1);
  await Promise.all(running.map((worker) => once(worker, 'exit')));
});
