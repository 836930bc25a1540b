import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { AsyncLocalStorage } from 'node:async_hooks';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ThreadPool, WorkerCrashedError } from '../src/index.ts';
import type * as hooked from './kit/threads/hooked-jobs.ts';
import { outcomes, readyPool, until, untilReady } from './kit/threads/pools.ts';
import { Stage } from './kit/threads/stage.ts';

const hookedJobs = new URL('./kit/threads/hooked-jobs.ts', import.meta.url);

describe('hooks', () => {
  test('onStart runs before the first job of each worker, onStop after its last one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-hooks-'));
    const log = join(folder, 'log');
    const env = { HOOKS_LOG: log };
    const pool = new ThreadPool<typeof hooked>(hookedJobs, { size: 2, name: 'hooked', env });
    expect(await pool.run('opener')).toMatch(/^hooked-\d$/u);
    await untilReady(pool);
    await pool.stop();
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    expect(lines.slice(0, 2).toSorted()).toEqual(['open hooked-1', 'open hooked-2']);
    expect(lines.slice(2).toSorted()).toEqual(['close hooked-1', 'close hooked-2']);
    rmSync(folder, { recursive: true });
  });

  test('hooks are no jobs', async () => {
    await using pool = new ThreadPool<typeof hooked>(hookedJobs, { size: 1 });
    await expect(pool.submit({ job: 'onStart' })).rejects.toThrow(/onStart/u);
    await untilReady(pool);
    await expect(pool.submit({ job: 'withCarried' })).rejects.toThrow(/withCarried/u);
  });

  test('what carry answers at a submission follows its task through AsyncLocalStorage', async () => {
    const store = new AsyncLocalStorage<{ trace: string }>();
    const carry = (): unknown => store.getStore();
    await using pool = new ThreadPool<typeof hooked>(hookedJobs, { size: 2, carry });
    const traces = Array.from({ length: 40 }, (_, i) => `trace ${i}`);
    const seen = traces.map((trace) => store.run({ trace }, () => pool.run('carried')));
    expect(await Promise.all(seen)).toEqual(traces.map((trace) => ({ trace })));
    expect(await pool.run('carried')).toBeUndefined();
  });

  test('carry can be changed live, from the next submission on and on the same workers', async () => {
    await using pool = new ThreadPool<typeof hooked>(hookedJobs, { size: 1 });
    expect(await pool.run('carried')).toBeUndefined();
    const opener = await pool.run('opener');
    pool.update({ carry: () => 'first' });
    const first = pool.run('carried');
    pool.update({ carry: () => 'second' });
    expect(await Promise.all([first, pool.run('carried')])).toEqual(['first', 'second']);
    pool.update({ carry: undefined });
    expect(await pool.run('carried')).toBeUndefined();
    expect(await pool.run('opener')).toBe(opener);
  });

  test('what carry throws, or what cannot be cloned of it, rejects the call alone', async () => {
    let carried: unknown;
    const carry = (): unknown => {
      if (carried === 'throw') throw new RangeError('no context');
      return carried;
    };
    await using pool = new ThreadPool<typeof hooked>(hookedJobs, { size: 1, carry });
    carried = 'throw';
    await expect(pool.run('opener')).rejects.toThrow('no context');
    carried = () => 1;
    await expect(pool.run('opener')).rejects.toMatchObject({ name: 'DataCloneError' });
    carried = 'fine';
    expect(await pool.run('carried')).toBe('fine');
    expect(pool.stats()).toMatchObject({ submitted: 2, completed: 1, failed: 1, queued: 0 });
  });
});

describe('concurrencyPerThread', () => {
  test('has so many waiting jobs on one thread at a time, and never more', async () => {
    await using pool = await readyPool({ size: 2, concurrencyPerThread: 3 });
    const stage = new Stage();
    const waiting = Array.from({ length: 30 }, () => pool.run('wait', stage.buffer));
    await until(() => stage.running === 6);
    expect(pool.stats()).toMatchObject({ active: 6, queued: 24 });
    stage.open();
    const workers = await Promise.all(waiting);
    expect(new Set(workers)).toEqual(new Set(['thread-pool-1', 'thread-pool-2']));
    expect(stage.most).toBeLessThanOrEqual(6);
    expect(stage.ended).toBe(30);
  });

  test('leaves each its own signal and its own result', async () => {
    await using pool = await readyPool({ size: 1, concurrencyPerThread: 8, graceMs: 60_000 });
    const stages = Array.from({ length: 8 }, () => new Stage());
    const controllers = stages.map(() => new AbortController());
    const runs = stages.map((stage, i) =>
      pool.run(i % 2 === 0 ? 'listen' : 'wait', stage.buffer, {
        signal: (controllers[i] as AbortController).signal,
      }),
    );
    await until(() => stages.every(({ started }) => started === 1));
    for (const [i, controller] of controllers.entries()) if (i % 2 === 0) controller.abort();
    for (const stage of stages) stage.open();
    expect(await outcomes(runs)).toEqual(
      stages.map((_, i) => (i % 2 === 0 ? 'AbortError' : 'thread-pool-1')),
    );
    await pool.drain();
    expect(stages.map(({ heard }) => heard)).toEqual([1, 0, 1, 0, 1, 0, 1, 0]);
    expect(pool.stats()).toMatchObject({ restarts: 0, crashes: 0, aborted: 4, completed: 4 });
  });

  test('can be changed live', async () => {
    await using pool = await readyPool({ size: 1 });
    pool.update({ concurrencyPerThread: 4 });
    const stage = new Stage();
    const waiting = Array.from({ length: 8 }, () => pool.run('wait', stage.buffer));
    await until(() => stage.running >= 4);
    stage.open();
    await Promise.all(waiting);
    // One more on the worker from before, whose place the new one took.
    expect(stage.most).toBeLessThanOrEqual(5);
  });

  test('fails all that ran together with a task that ends their worker', async () => {
    await using pool = await readyPool({ size: 1, concurrencyPerThread: 3 });
    const stage = new Stage();
    const together = [1, 2].map(() => pool.run('wait', stage.buffer));
    await until(() => stage.started === 2);
    await expect(pool.run('exit')).rejects.toThrow(WorkerCrashedError);
    expect(await outcomes(together)).toEqual(['WorkerCrashedError', 'WorkerCrashedError']);
    expect(await pool.run('echo', 1)).toBe(1);
  });
});

describe('broadcast', () => {
  test('runs once on every worker, those that start included', async () => {
    await using pool = await readyPool({ size: 2 });
    pool.resize(4);
    const names = await pool.broadcast(pool.task('workerName'));
    expect(new Set(names)).toEqual(new Set([1, 2, 3, 4].map((i) => `thread-pool-${i}`)));
    const inline = await pool.broadcast(({ worker }) => worker);
    expect(new Set(inline)).toEqual(new Set(names));
  });

  test('waits for a worker that is busy, instead of going to another one', async () => {
    await using pool = await readyPool({ size: 2 });
    const stage = new Stage();
    const { buffer } = stage;
    const visit = { what: 'visit', buffer } as const;
    await Promise.all(Array.from({ length: 50 }, () => pool.run('act', visit)));
    const held = pool.run('act', { what: 'hold', buffer });
    const names = pool.broadcast(pool.task('act', visit));
    // What was handed to the busy worker is taken back, as its task takes long.
    for (let i = 0; i < 20; i++) await pool.run('burn', 1);
    stage.open();
    expect(new Set(await names)).toEqual(new Set(['thread-pool-1', 'thread-pool-2']));
    await held;
  });

  test('rejects where a worker ends before its turn', async () => {
    await using pool = await readyPool({ size: 2 });
    const door = new Stage();
    const dying = pool.run('exitAtDoor', door.buffer);
    await until(() => door.started === 1);
    const all = pool.broadcast(pool.task('workerName'));
    door.open();
    await expect(all).rejects.toThrow(WorkerCrashedError);
    await expect(dying).rejects.toThrow(WorkerCrashedError);
    await pool.drain();
    expect(pool.stats()).toMatchObject({ submitted: 3, completed: 1, failed: 2 });
  });
});

describe('affinity', () => {
  test('keeps a key on one worker while that is alive', async () => {
    await using pool = await readyPool({ size: 3 });
    const keys = Array.from({ length: 30 }, (_, i) => `key ${i}`);
    const ask = (): Promise<string[]> =>
      Promise.all(keys.map((affinity) => pool.run('workerName', undefined, { affinity })));
    const first = await ask();
    for (let round = 0; round < 5; round++) expect(await ask()).toEqual(first);
    expect(new Set(first).size).toBe(3);
  });

  test('moves a key when its worker dies, with what waits for it', async () => {
    await using pool = await readyPool({ size: 2 });
    const options = { affinity: 'mine' };
    const before = await pool.run('workerName', undefined, options);
    const door = new Stage();
    const dying = pool.run('exitAtDoor', door.buffer, options);
    const waiting = Array.from({ length: 5 }, () => pool.run('workerName', undefined, options));
    door.open();
    await expect(dying).rejects.toThrow(WorkerCrashedError);
    const after = new Set(await Promise.all(waiting));
    expect(after.size).toBe(1);
    expect(after).not.toContain(before);
    expect(new Set([await pool.run('workerName', undefined, options)])).toEqual(after);
  });

  test('keeps neither the tasks with a key nor those without from running', async () => {
    await using pool = await readyPool({ size: 1 });
    const order: string[] = [];
    const note = (name: string, run: Promise<unknown>): Promise<void> =>
      run.then(() => void order.push(name));
    const all = Array.from({ length: 60 }, (_, i) =>
      i < 30
        ? note('key', pool.run('burn', 2, { affinity: 'mine' }))
        : note('none', pool.run('burn', 2)),
    );
    await Promise.all(all);
    expect(order.slice(0, 30)).toContain('none');
    expect(order.slice(30)).toContain('key');
  });

  test('leaves other workers to others while its own is busy', async () => {
    await using pool = await readyPool({ size: 2 });
    const stage = new Stage();
    const options = { affinity: 'mine' };
    const held = pool.run('hold', stage.buffer, options);
    const waiting = pool.run('workerName', undefined, options);
    const others = await Promise.all(Array.from({ length: 10 }, () => pool.run('workerName')));
    expect(new Set(others).size).toBe(1);
    stage.open();
    const mine = await held;
    expect(others).not.toContain(mine);
    expect(await waiting).toBe(mine);
  });
});

test('timers and sockets of a module keep their turn: its worker sleeps on the event loop', async () => {
  await using pool = await readyPool({ size: 1 });
  const watch = pool.define('watch', (buffer: SharedArrayBuffer) => {
    const sleeps = new Int32Array(buffer);
    const { wait } = Atomics;
    Atomics.wait = ((...args: Parameters<typeof wait>) => {
      Atomics.add(sleeps, 0, 1);
      return wait(...args);
    }) as typeof wait;
  });
  const open = pool.define('open', () => void setInterval(() => undefined, 1000));
  const sleeps = new Int32Array(new SharedArrayBuffer(4));
  await watch(sleeps.buffer);
  await until(() => Atomics.load(sleeps, 0) > 0);
  await open();
  const before = Atomics.load(sleeps, 0);
  for (let i = 0; i < 20; i++) {
    await pool.run('echo', i);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(Atomics.load(sleeps, 0)).toBe(before);
});
