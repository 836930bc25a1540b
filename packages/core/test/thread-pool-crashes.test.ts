import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ThreadPool, WorkerCrashedError } from '../src/index.ts';
import { expectBalanced, outcomes, readyPool, until, untilReady } from './kit/threads/pools.ts';
import { Stage } from './kit/threads/stage.ts';
import type * as unready from './kit/threads/unready.ts';

describe('the task that ran when its worker died gets WorkerCrashedError, and the worker is replaced', () => {
  test('by process.exit', async () => {
    await using pool = await readyPool({ size: 1 });
    const error: unknown = await pool.run('exit').catch((each: unknown) => each);
    expect(error).toBeInstanceOf(WorkerCrashedError);
    expect(error).toMatchObject({ policy: 'thread-pool', code: 'SLUICE_WORKER_CRASHED' });
    expect((error as Error).message).toMatch(/thread-pool-1 ended while it ran exit/u);
    expect(String((error as Error).cause)).toMatch(/code 7/u);
    expect(await pool.run('workerName')).toBe('thread-pool-2');
    expect(pool.stats()).toMatchObject({ crashes: 1, restarts: 0, failed: 1, completed: 1 });
  });

  test('by running out of heap', async () => {
    await using pool = await readyPool({ size: 1, maxHeapMb: 24 });
    const error: unknown = await pool.run('exhaust').catch((each: unknown) => each);
    expect(error).toBeInstanceOf(WorkerCrashedError);
    expect((error as Error).cause).toMatchObject({ code: 'ERR_WORKER_OUT_OF_MEMORY' });
    expect(await pool.run('workerName')).toBe('thread-pool-2');
  });

  test('by a promise of an earlier task that nobody awaited', async () => {
    await using pool = await readyPool({ size: 1 });
    const crashes: unknown[] = [];
    pool.on('crash', ({ cause }) => crashes.push(cause));
    const late = new Stage();
    const stage = new Stage();
    expect(await pool.run('rejectAtDoor', late.buffer)).toBe('done');
    const waiting = pool.run('wait', stage.buffer);
    await until(() => stage.started === 1);
    late.open();
    await expect(waiting).rejects.toThrow(WorkerCrashedError);
    expect(crashes).toMatchObject([{ message: 'nobody awaited this' }]);
    expect(await pool.run('echo', 1)).toBe(1);
  });
});

test('a late throw of an earlier task fails the task that runs then; those behind it run elsewhere', async () => {
  await using pool = await readyPool({ size: 1 });
  const late = new Stage();
  const stage = new Stage();
  expect(await pool.run('throwAtDoor', late.buffer)).toBe('done');
  const running = pool.run('wait', stage.buffer);
  const behind = Array.from({ length: 30 }, () => pool.run('visit', stage.buffer));
  await until(() => stage.started === 1);
  late.open();
  await expect(running).rejects.toThrow(WorkerCrashedError);
  expect(new Set(await Promise.all(behind))).toEqual(new Set(['thread-pool-2']));
  expect(stage.ended).toBe(30);
  expect(pool.stats()).toMatchObject({ crashes: 1, failed: 1, completed: 31 });
});

test('tasks that were handed ahead to a worker that dies each run once, elsewhere', async () => {
  await using pool = await readyPool({ size: 2 });
  const quick = new Stage();
  const visit = { what: 'visit', buffer: quick.buffer } as const;
  for (let round = 1; round <= 5; round++) {
    await Promise.all(Array.from({ length: 100 }, () => pool.run('act', visit)));
    const door = new Stage();
    const dying = [1, 2].map(() => pool.run('act', { what: 'exit', buffer: door.buffer }));
    const behind = Array.from({ length: 100 }, () => pool.run('act', visit));
    door.open();
    expect(await outcomes(dying)).toEqual(['WorkerCrashedError', 'WorkerCrashedError']);
    await Promise.all(behind);
    expect(quick.ended).toBe(200 * round);
    expect(pool.stats()).toMatchObject({ crashes: 2 * round, completed: 200 * round });
  }
});

test('a worker that dies while it has nothing to do is replaced, and no task is touched', async () => {
  await using pool = await readyPool({ size: 1 });
  const late = new Stage();
  await pool.run('throwAtDoor', late.buffer);
  const crash = new Promise((resolve) => pool.on('crash', resolve));
  late.open();
  expect(await crash).toMatchObject({ worker: 'thread-pool-1' });
  await untilReady(pool);
  expect(await pool.run('workerName')).toBe('thread-pool-2');
  expect(pool.stats()).toMatchObject({ crashes: 1, failed: 0, completed: 2 });
});

describe('a task whose worker dies', () => {
  test('is never run again unless it says that it may be', async () => {
    await using pool = await readyPool({ size: 2 });
    const stage = new Stage();
    for (const options of [undefined, {}, { idempotent: false }]) {
      const door = new Stage();
      await expect(pool.run('exitOnce', door.buffer, options)).rejects.toThrow(WorkerCrashedError);
      expect(door.started).toBe(1);
    }
    await pool.run('visit', stage.buffer);
    expect(pool.stats()).toMatchObject({ crashes: 3, failed: 3, completed: 1 });
  });

  test('is run again once when it is idempotent', async () => {
    await using pool = await readyPool({ size: 1 });
    const stage = new Stage();
    expect(await pool.run('exitOnce', stage.buffer, { idempotent: true })).toBe('done');
    expect(stage.started).toBe(2);
    const killer = new Stage();
    const twice = pool.run('exit', killer.buffer, { idempotent: true });
    await expect(twice).rejects.toThrow(WorkerCrashedError);
    expect(killer.started).toBe(2);
    expect(pool.stats()).toMatchObject({ crashes: 3, failed: 1, completed: 1 });
  });

  test('is poisoned when it has killed two workers: it is refused, and others of its job are not', async () => {
    await using pool = await readyPool({ size: 2, queue: 10 });
    const poison = 'exit is called with this';
    const job = pool.define('exitFor', (word: string) => {
      if (word.startsWith('exit')) process.exit(3);
      return word;
    });
    expect(await outcomes([job(poison), job('other'), job(poison)])).toEqual([
      'WorkerCrashedError',
      'other',
      'WorkerCrashedError',
    ]);
    expect(pool.stats()).toMatchObject({ crashes: 2, rejected: 0 });
    await expect(job(poison)).rejects.toThrow(/has killed two workers/u);
    await expect(job(poison)).rejects.toThrow(WorkerCrashedError);
    expect(await job('another')).toBe('another');
    expect(pool.stats()).toMatchObject({ crashes: 2, rejected: 2, failed: 2, completed: 2 });
    expectBalanced(pool);
  });
});

describe('a module whose workers never get ready', () => {
  const url = (query: string): URL => new URL(`./kit/threads/unready.ts?${query}`, import.meta.url);
  const restartBackoff = { type: 'constant', delayMs: 5 } as const;
  const ways = [
    { way: 'load', cause: /the module is broken/u },
    { way: 'start', cause: /no connection/u },
    { way: 'exit', cause: /code 5/u },
    { way: 'hang', cause: /not ready within 300 ms/u },
    { way: 'loop', cause: /not ready within 300 ms/u },
  ];

  test.each(ways)('settles every task with the cause: $way', async ({ way, cause }) => {
    const startTimeoutMs = way === 'hang' || way === 'loop' ? 300 : 60_000;
    const options = { size: 2, restartBackoff, startTimeoutMs };
    await using pool = new ThreadPool<typeof unready>(url(`way=${way}`), options);
    const settled = await Promise.allSettled([1, 2, 3].map((i) => pool.run('echo', i)));
    for (const each of settled) {
      const reason: unknown = each.status === 'rejected' ? each.reason : undefined;
      expect(reason).toBeInstanceOf(WorkerCrashedError);
      expect(String((reason as Error).cause)).toMatch(cause);
    }
    expect(pool.stats()).toMatchObject({ submitted: 3, failed: 3, active: 0, queued: 0 });
  });

  test('that does not exist settles every task, too', async () => {
    await using pool = new ThreadPool(new URL('./kit/threads/missing.ts', import.meta.url));
    const run = pool.submit({ job: 'echo' });
    await expect(run).rejects.toThrow(/no worker can start/u);
  });

  test('serves tasks as soon as the cause is gone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-unready-'));
    const mended = join(folder, 'mended');
    const query = `way=load&mended=${encodeURIComponent(mended)}`;
    await using pool = new ThreadPool<typeof unready>(url(query), { size: 1, restartBackoff });
    await expect(pool.run('echo', 1)).rejects.toThrow(WorkerCrashedError);
    writeFileSync(mended, '');
    await untilReady(pool);
    expect(await pool.run('echo', 2)).toBe(2);
    rmSync(folder, { recursive: true });
  });
});

test('of many copies of a task that kills its worker only two are run, those that wait included', async () => {
  await using pool = await readyPool({ size: 1 });
  const kill = pool.define('kill', (code: number) => process.exit(code));
  const copies = Array.from({ length: 20 }, () => kill(9));
  for (const each of await Promise.allSettled(copies)) {
    expect(each.status === 'rejected' && each.reason).toBeInstanceOf(WorkerCrashedError);
  }
  expect(pool.stats()).toMatchObject({ crashes: 2, failed: 2, rejected: 18 });
  await expect(kill(9)).rejects.toThrow(/has killed two workers/u);
  expectBalanced(pool);
});

test('a worker that an earlier task left in an endless loop is replaced, and those it never began run', async () => {
  await using pool = await readyPool({ size: 1 });
  const trap = pool.define('trap', (buffer: SharedArrayBuffer) => {
    setImmediate(() => {
      Atomics.store(new Int32Array(buffer), 0, 1);
      for (;;);
    });
  });
  const sprung = new SharedArrayBuffer(4);
  await trap(sprung);
  await until(() => Atomics.load(new Int32Array(sprung), 0) === 1);
  expect(await Promise.all([1, 2, 3].map((i) => pool.run('echo', i)))).toEqual([1, 2, 3]);
  expect(pool.stats().restarts).toBe(1);
});
