import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { DeadlineExceededError, type ThreadPoolOptions } from '../src/index.ts';
import { ManualClock } from '../src/testing/index.ts';
import { expectBalanced, outcomes, readyPool, until, untilReady } from './kit/threads/pools.ts';
import { Stage } from './kit/threads/stage.ts';

const run = promisify(execFile);
const program = (name: string): string =>
  fileURLToPath(new URL(`./kit/threads/${name}.ts`, import.meta.url));

test('a pool that stops keeps the process alive until its last worker has ended', async () => {
  const { stdout } = await run(process.execPath, [program('stop-at-once')]);
  expect(stdout).toContain('stopped');
});

/** A pool of the jobs of the tests, ready, which is stopped when the test is over. */
async function poolOf(options: ThreadPoolOptions): ReturnType<typeof readyPool> {
  const pool = await readyPool(options);
  onTestFinished(async () => void (await pool.stop({ reject: 'all' })));
  return pool;
}

test('a result that is too deep for the stack of this thread fails its own task and no other', async () => {
  const pool = await poolOf({ size: 1 });
  // A worker has four times the stack of the main thread.
  const nest = pool.define('nest', (depth: number): unknown => {
    let value: unknown = null;
    for (let i = 0; i < depth; i++) value = { value };
    return value;
  });
  const results = await outcomes([nest(5000), nest(1)]);
  expect(results).toEqual(['RangeError', { value: null }]);
  expectBalanced(pool);
});

test('a task whose deadline passes in the queue is counted, and nobody waits for it', async () => {
  const clock = new ManualClock();
  const pool = await poolOf({ size: 1, clock });
  const stage = new Stage();
  const held = pool.run('hold', stage.buffer);
  await until(() => stage.running === 1);
  const late = pool.run('echo', 1, { deadlineMs: 50 });
  clock.advance(50);
  await expect(late).rejects.toThrow(DeadlineExceededError);
  expect(pool.stats()).toMatchObject({ expired: 1, queued: 0 });
  const drained = pool.drain();
  stage.open();
  await Promise.all([held, drained]);
  expectBalanced(pool);
});

test('a map that waits for room hears that the pool stops', async () => {
  const pool = await poolOf({ size: 1, queue: 0 });
  const stage = new Stage();
  const held = pool.run('hold', stage.buffer).catch((error: unknown) => error);
  await until(() => stage.running === 1);
  const results = pool.map([1, 2], (item) => pool.task('echo', item));
  const next = outcomes([results.next()]);
  await pool.stop({ reject: 'all' });
  expect(await next).toEqual(['PoolStoppedError']);
  await held;
});

test('a listener that stops the pool while it stops stops it once', async () => {
  const pool = await poolOf({ size: 1 });
  const stops: unknown[] = [];
  pool.on('stop', (result) => stops.push(result));
  pool.on('resume', () => void pool.stop());
  pool.pause();
  const result = await pool.stop();
  expect(stops).toEqual([result]);
});

test('a pool without places to wait has room only for as many tasks as it has free workers', async () => {
  const pool = await poolOf({ size: 1, queue: 0 });
  const stage = new Stage();
  const held = pool.trySubmit(pool.task('hold', stage.buffer));
  expect(pool.trySubmit(pool.task('echo', 1))).toBeUndefined();
  stage.open();
  await held;
  expectBalanced(pool);
});

test('a broadcast that was taken back runs on the workers that it was for', async () => {
  const pool = await poolOf({ size: 2 });
  const ran = pool.broadcast(pool.task('workerName'));
  pool.pause();
  pool.resume();
  expect(await ran).toEqual(pool.stats().workers.map(({ name }) => name));
});

test('a task that was taken back and then left leaves no timer behind', async () => {
  const clock = new ManualClock();
  const pool = await poolOf({ size: 1, clock });
  const leaver = new AbortController();
  const options = { timeoutMs: 60_000, signal: leaver.signal };
  const left = outcomes([pool.run('echo', 1, options)]);
  pool.pause();
  leaver.abort(new RangeError('gone'));
  expect(await left).toEqual(['RangeError']);
  await pool.stop();
  expect(clock.pending).toBe(0);
});

test('a worker that was to be replaced goes when the pool becomes smaller', async () => {
  const pool = await poolOf({ size: 2, maxTasks: 1 });
  // Both are worn now: they stay until their successors are ready.
  await Promise.all([pool.run('echo', 1), pool.run('echo', 2)]);
  pool.resize(1);
  await until(() => pool.stats().workers.length === 1);
  await untilReady(pool);
  expect(await pool.run('echo', 3)).toBe(3);
});

test('another concurrencyPerThread holds for the workers that there are, too', async () => {
  const pool = await poolOf({ size: 1 });
  pool.update({ concurrencyPerThread: 2 });
  const [old] = pool.stats().workers;
  await until(() => pool.stats().workers.every(({ name }) => name !== old?.name));
  const stage = new Stage();
  const both = [pool.run('wait', stage.buffer), pool.run('wait', stage.buffer)];
  await until(() => stage.running === 2);
  stage.open();
  await Promise.all(both);
  expect(stage.most).toBe(2);
});

test('a worker is replaced at its age, whatever the clock shows', async () => {
  // (0.3 + 0.6) - 0.3 is less than 0.6.
  const clock = new ManualClock(0.3);
  const pool = await poolOf({ size: 1, clock, maxAgeMs: 0.6 });
  clock.advance(0.6);
  await until(() => pool.stats().workers.some(({ name }) => name.endsWith('-2')));
  expect(pool.stats().crashes).toBe(0);
});
