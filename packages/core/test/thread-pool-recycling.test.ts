import { describe, expect, test } from 'vitest';
import type { ThreadPoolChanges, ThreadPoolOptions } from '../src/index.ts';
import { jobsPool, readyPool, readyWorkers, until, untilReady } from './kit/threads/pools.ts';
import { Stage } from './kit/threads/stage.ts';

describe('a worker is replaced without a gap in capacity', () => {
  const limits: readonly { limit: string; options: ThreadPoolOptions }[] = [
    { limit: 'maxTasks', options: { maxTasks: 100 } },
    { limit: 'maxAgeMs', options: { maxAgeMs: 150 } },
    { limit: 'maxHeapBytes', options: { maxHeapBytes: 1 } },
  ];

  test.each(limits)('by $limit', async ({ options }) => {
    const size = 2;
    await using pool = await readyPool({ size, ...options });
    let fewest = Infinity;
    let done = 0;
    while (born(pool.stats().workers) <= 3 * size) {
      const results = Array.from({ length: 50 }, () => pool.run('echo', done++));
      fewest = Math.min(fewest, readyWorkers(pool));
      await Promise.all(results);
      fewest = Math.min(fewest, readyWorkers(pool));
    }
    expect(fewest).toBeGreaterThanOrEqual(size);
    await pool.drain();
    expect(pool.stats()).toMatchObject({ completed: done, failed: 0, crashes: 0, restarts: 0 });
    await until(() => pool.stats().workers.length <= 2 * size);
  });
});

describe('a change of how workers are made', () => {
  const changes: readonly { option: string; change: ThreadPoolChanges }[] = [
    { option: 'isolation', change: { isolation: 'process' } },
    { option: 'maxHeapMb', change: { maxHeapMb: 64 } },
    { option: 'execArgv', change: { execArgv: ['--no-warnings'] } },
    { option: 'env', change: { env: { COLOUR: 'red' } } },
  ];

  test.each(changes)('by $option replaces all of them, without a gap', async ({ change }) => {
    await using pool = await readyPool({ size: 1 });
    expect(await pool.run('workerName')).toBe('thread-pool-1');
    pool.update(change);
    expect(readyWorkers(pool)).toBe(1);
    expect(await pool.run('echo', 1)).toBe(1);
    await until(() => pool.stats().workers.every(({ name }) => name !== 'thread-pool-1'));
    expect(await pool.run('workerName')).toBe('thread-pool-2');
    pool.update({ ...change });
    expect(await pool.run('workerName')).toBe('thread-pool-2');
    expect(pool.stats()).toMatchObject({ failed: 0, crashes: 0, restarts: 0 });
  });

  test('reaches the jobs: another environment, and processes instead of threads', async () => {
    await using pool = await readyPool({ size: 1 });
    const seen = pool.define('seen', () => [process.env['COLOUR'], process.pid]);
    expect(await seen()).toEqual([undefined, process.pid]);
    pool.update({ env: { COLOUR: 'red' }, isolation: 'process' });
    await until(() => pool.stats().workers.every(({ name }) => name !== 'thread-pool-1'));
    const [colour, pid] = await seen();
    expect(colour).toBe('red');
    expect(pid).not.toBe(process.pid);
  });

  test('leaves its name, its clock and its chance as they are', async () => {
    await using pool = await readyPool({ size: 1 });
    pool.update({ name: 'other', keepAlive: true } as ThreadPoolChanges);
    pool.update({ keepAlive: false });
    await expect(pool.run('uncloneable')).rejects.toMatchObject({ name: 'DataCloneError' });
    expect(pool.stats().workers.map(({ name }) => name)).toEqual(['thread-pool-1']);
  });
});

test('an old worker that has nothing to do is replaced, too', async () => {
  await using pool = await readyPool({ size: 1, maxAgeMs: 50 });
  await until(() => born(pool.stats().workers) >= 3);
  expect(pool.stats()).toMatchObject({ crashes: 0, restarts: 0, size: 1 });
  expect(await pool.run('echo', 1)).toBe(1);
});

test('a worker that is replaced ends only when its tasks have', async () => {
  await using pool = await readyPool({ size: 1, concurrencyPerThread: 2, maxTasks: 2 });
  const stage = new Stage();
  const held = pool.run('wait', stage.buffer);
  expect(await pool.run('workerName')).toBe('thread-pool-1');
  await until(() => pool.stats().workers[0]?.state === 'ending');
  expect(await pool.run('workerName')).toBe('thread-pool-2');
  stage.open();
  expect(await held).toBe('thread-pool-1');
});

test('a pool that shrinks while it replaces a worker keeps no worker too many', async () => {
  await using pool = await readyPool({ size: 2 });
  const stage = new Stage();
  const held = [1, 2].map(() => pool.run('wait', stage.buffer));
  await until(() => stage.started === 2);
  stage.open();
  pool.update({ maxAgeMs: 1 });
  await until(() => pool.stats().workers.length > 2);
  pool.update({ maxAgeMs: Infinity, size: 1 });
  await Promise.all(held);
  await until(() => pool.stats().workers.length === 1);
  await untilReady(pool);
  expect(await pool.run('echo', 1)).toBe(1);
});

test('a pool tells of each worker what it is doing and what it has used', async () => {
  const pool = jobsPool({ size: 1, name: 'told' });
  expect(pool.stats().workers).toMatchObject([{ name: 'told-1', state: 'starting', tasks: 0 }]);
  await untilReady(pool);
  const stage = new Stage();
  const held = pool.run('hold', stage.buffer);
  expect(pool.stats()).toMatchObject({ active: 1, queued: 0, workers: [{ state: 'busy' }] });
  stage.open();
  await held;
  await pool.run('burn', 150);
  await pool.run('echo', 1);
  await until(() => (pool.stats().workers[0]?.heapBytes ?? 0) > 0);
  const [worker] = pool.stats().workers;
  expect(worker).toMatchObject({ state: 'idle', tasks: 3 });
  expect(worker?.busyMs).toBeGreaterThanOrEqual(150);
  await pool.stop();
  expect(pool.stats()).toMatchObject({ state: 'stopped', workers: [] });
});

/** Workers that there ever were, by the number of the newest. */
function born(workers: readonly { readonly name: string }[]): number {
  return Math.max(0, ...workers.map(({ name }) => Number(name.split('-').at(-1))));
}
