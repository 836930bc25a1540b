import { describe, expect, test } from 'vitest';
import {
  CircuitBreaker,
  InvalidOptionsError,
  pipeline,
  PoolStoppedError,
  QueueFullError,
  wrap,
} from '../src/index.ts';
import { expectBalanced, jobsPool, outcomes, readyPool, until } from './kit/threads/pools.ts';
import { Stage } from './kit/threads/stage.ts';

describe('a pool without a place for a task', () => {
  test('refuses it at once: submit by QueueFullError, trySubmit by undefined', async () => {
    await using pool = await readyPool({ size: 1, queue: 2 });
    const stage = new Stage();
    const held = pool.run('hold', stage.buffer);
    const waiting = [pool.run('echo', 1), pool.run('echo', 2)];
    await expect(pool.run('echo', 3)).rejects.toThrow(QueueFullError);
    expect(pool.trySubmit(pool.task('echo', 3))).toBeUndefined();
    expect(pool.stats()).toMatchObject({ submitted: 5, rejected: 2, active: 1, queued: 2 });
    stage.open();
    expect(await Promise.all([held, ...waiting])).toEqual(['thread-pool-1', 1, 2]);
    expect(await pool.trySubmit(pool.task('echo', 4))).toBe(4);
    expectBalanced(pool);
  });

  test('says when to come back, once it knows how long tasks take', async () => {
    await using pool = await readyPool({ size: 1, queue: 0 });
    await pool.run('burn', 5);
    const stage = new Stage();
    const held = pool.run('hold', stage.buffer);
    const error: unknown = await pool.run('echo', 1).catch((each: unknown) => each);
    expect(error).toMatchObject({ policy: 'thread-pool', code: 'SLUICE_QUEUE_FULL' });
    expect((error as QueueFullError).retryAfterMs).toBeGreaterThan(0);
    stage.open();
    await held;
  });
});

describe('beside other policies', () => {
  test('a pool of threads is the bulkhead inside the task, and gets what the call was given', async () => {
    await using pool = await readyPool({ size: 1, graceMs: 60_000 });
    const guarded = pipeline('guarded', [new CircuitBreaker()]);
    const stage = new Stage();
    const caller = new AbortController();
    const held = guarded.execute((context) => pool.run('listen', stage.buffer, context), caller);
    await until(() => stage.started === 1);
    caller.abort();
    await expect(held).rejects.toThrow(/abort/u);
    await pool.drain();
    expect(stage.heard).toBe(1);
  });

  test('it takes no place in the row, where it would be handed closures', async () => {
    await using pool = jobsPool({ size: 1, name: 'cpu' });
    expect(() => pipeline('row', [new CircuitBreaker(), pool])).toThrow(
      /cpu must be inside the task.*pipeline\.execute/u,
    );
    expect(() => wrap(() => 1, pool)).toThrow(InvalidOptionsError);
    expect(await pool.execute(pool.task('echo', 1))).toBe(1);
    expect(await pool.execute(({ worker }) => worker)).toBe('cpu-1');
  });
});

describe('map', () => {
  test('gives the results in the order of its source', async () => {
    await using pool = await readyPool({ size: 2 });
    const items = Array.from({ length: 100 }, (_, i) => i);
    const results: unknown[] = [];
    const mapped = pool.map(items, (i) => pool.task('add', { a: i, b: 1 }), { concurrency: 10 });
    for await (const result of mapped) results.push(result);
    expect(results).toEqual(items.map((i) => i + 1));
  });

  test('pulls no more than it may have under way, and beside others waits for room', async () => {
    await using pool = await readyPool({ size: 2, queue: 4 });
    const stage = new Stage();
    let pulled = 0;
    const source = function* source(): Generator<number> {
      for (; pulled < 50; pulled++) yield pulled;
    };
    const mapped = pool.map(source(), () => pool.task('visit', stage.buffer), { concurrency: 3 });
    await mapped.next();
    await pool.drain();
    expect(pulled).toBeLessThanOrEqual(8);
    const door = new Stage();
    const others = Array.from({ length: 6 }, () => pool.run('hold', door.buffer));
    const rest: string[] = [];
    const all = (async () => {
      for await (const name of mapped) rest.push(name);
    })();
    door.open();
    await Promise.all([...others, all]);
    expect(rest).toHaveLength(49);
    expect(pool.stats()).toMatchObject({ completed: 56, rejected: 0 });
  });

  test('hands short tasks ahead, within half of the places, and keeps their order', async () => {
    await using pool = await readyPool({ size: 1, queue: 20 });
    await Promise.all(Array.from({ length: 20 }, (_, i) => pool.run('echo', i)));
    const items = Array.from({ length: 200 }, (_, i) => i);
    let most = 0;
    const results: unknown[] = [];
    const mapped = pool.map(items, (i) => {
      most = Math.max(most, pool.stats().active + pool.stats().queued + 1);
      return pool.task('echo', i);
    });
    for await (const result of mapped) results.push(result);
    expect(results).toEqual(items);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(11);
  });

  test('has one long task under way for each worker', async () => {
    await using pool = await readyPool({ size: 2 });
    await Promise.all(Array.from({ length: 20 }, () => pool.run('burn', 4)));
    let pulled = 0;
    const source = function* source(): Generator<number> {
      for (; pulled < 50; pulled++) yield pulled;
    };
    const mapped = pool.map(source(), () => pool.task('burn', 4));
    await mapped.next();
    await pool.drain();
    expect(pulled).toBeLessThanOrEqual(5);
    await mapped.return?.();
  });

  test('takes what holds for each task, also by its item', async () => {
    await using pool = await readyPool({ size: 2 });
    const byItem = pool.map(
      Array.from({ length: 20 }, (_, i) => i),
      () => pool.task('workerName'),
      { affinity: (i) => `key ${i % 2}` },
    );
    const names: string[] = [];
    for await (const name of byItem) names.push(name);
    expect(names).toEqual(names.map((_, i) => names[i % 2]));
    const blocks = [1, 2, 3].map((size) => new Uint8Array(size));
    const sizes: number[] = [];
    const transfer = (bytes: Uint8Array<ArrayBuffer>): ArrayBuffer[] => [bytes.buffer];
    for await (const bytes of pool.map(blocks, (each) => pool.task('moved', each), { transfer }))
      sizes.push(bytes.length);
    expect([sizes, blocks.map(({ length }) => length)]).toEqual([
      [1, 2, 3],
      [0, 0, 0],
    ]);
    const stage = new Stage();
    const again = pool.map([1], () => pool.task('exitOnce', stage.buffer), { idempotent: true });
    expect(await again.next()).toEqual({ done: false, value: 'done' });
    const wrong = { transfer: [] } as never;
    expect(() => pool.map([1], () => pool.task('nothing'), wrong)).toThrow(/transfer.*a function/u);
    expect(() => pool.map([1], 1 as never)).toThrow(InvalidOptionsError);
  });

  test('takes tasks of an inline job, as submit and broadcast do', async () => {
    await using pool = jobsPool({ size: 2 });
    const square = pool.define('square', (x: number) => x * x);
    const results: number[] = [];
    for await (const each of pool.map([1, 2, 3], (x) => square.task(x))) results.push(each);
    expect(results).toEqual([1, 4, 9]);
    expect(await pool.submit(square.task(4), { priority: 1 })).toBe(16);
    expect(await pool.broadcast(square.task(5))).toEqual([25, 25]);
  });

  test('ends with the first error, and aborts what is under way', async () => {
    await using pool = await readyPool({ size: 2, graceMs: 60_000 });
    const stage = new Stage();
    const mapped = pool.map([0, 1], (i) =>
      i === 0 ? pool.task('listen', stage.buffer) : pool.task('uncloneable'),
    );
    await expect(mapped.next()).rejects.toMatchObject({ name: 'DataCloneError' });
    await pool.drain();
    expect(stage.heard).toBe(stage.started);
    expect(pool.stats()).toMatchObject({ failed: 1, active: 0, restarts: 0 });
  });
});

describe('pause', () => {
  test('begins nothing until resume; what runs goes on', async () => {
    await using pool = await readyPool({ size: 2 });
    const stage = new Stage();
    const running = pool.run('hold', stage.buffer);
    await until(() => stage.started === 1);
    const events: string[] = [];
    pool.on('pause', () => events.push('pause'));
    pool.on('resume', () => events.push('resume'));
    pool.pause();
    pool.pause();
    const waiting = Array.from({ length: 10 }, () => pool.run('visit', stage.buffer));
    stage.open();
    await running;
    expect(stage.started).toBe(1);
    expect(pool.stats()).toMatchObject({ state: 'paused', active: 0, queued: 10 });
    pool.resume();
    pool.resume();
    await Promise.all(waiting);
    expect(stage.started).toBe(11);
    expect(events).toEqual(['pause', 'resume']);
  });

  test('takes back what was handed ahead, and keeps its order', async () => {
    await using pool = await readyPool({ size: 1 });
    await Promise.all(Array.from({ length: 50 }, () => pool.run('echo', 0)));
    const order: unknown[] = [];
    const runs = Array.from({ length: 30 }, async (_, i) => order.push(await pool.run('echo', i)));
    pool.pause();
    expect(pool.stats().state).toBe('paused');
    pool.resume();
    await Promise.all(runs);
    expect(order).toEqual(Array.from({ length: 30 }, (_, i) => i));
  });

  test('does not keep a deadline from passing, nor drain from ending then', async () => {
    await using pool = await readyPool({ size: 1 });
    pool.pause();
    const late = pool.run('echo', 1, { deadlineMs: 10 });
    const drained = pool.drain();
    await expect(late).rejects.toMatchObject({ name: 'DeadlineExceededError' });
    await drained;
    expect(pool.stats()).toMatchObject({ expired: 1, queued: 0 });
  });
});

describe('resize', () => {
  test('has waiting tasks begin as soon as there are workers', async () => {
    await using pool = await readyPool({ size: 1 });
    const stage = new Stage();
    const runs = Array.from({ length: 3 }, () => pool.run('hold', stage.buffer));
    const resized = new Promise((resolve) => pool.on('resize', resolve));
    pool.resize(3);
    expect(await resized).toEqual({ from: 1, to: 3 });
    await until(() => stage.running === 3);
    stage.open();
    expect(new Set(await Promise.all(runs)).size).toBe(3);
  });

  test('to fewer ends no task that runs, and loses none that waits', async () => {
    await using pool = await readyPool({ size: 3 });
    const stage = new Stage();
    const held = Array.from({ length: 3 }, () => pool.run('hold', stage.buffer));
    const waiting = Array.from({ length: 20 }, () => pool.run('visit', stage.buffer));
    await until(() => stage.running === 3);
    pool.resize(1);
    expect(pool.stats()).toMatchObject({ size: 1, active: 3, queued: 20 });
    stage.open();
    await Promise.all([...held, ...waiting]);
    await until(() => pool.stats().workers.length === 1);
    expect(pool.stats()).toMatchObject({ completed: 23, failed: 0, crashes: 0, restarts: 0 });
  });

  test('up and down under load loses nothing', async () => {
    await using pool = await readyPool({ size: 2, queue: 1000 });
    const sizes = [1, 3, 2, 4, 1, 2, 1];
    for (const size of sizes) {
      pool.resize(size);
      const runs = Array.from({ length: 200 }, (_, i) => pool.run('echo', i));
      expect(await Promise.all(runs)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    }
    await until(() => pool.stats().workers.length === 1);
    expectBalanced(pool);
  });

  test('by update changes other options live, too, or nothing when one is wrong', async () => {
    await using pool = await readyPool({ size: 1, queue: 1 });
    expect(() => pool.update({ queue: 5, graceMs: -1 })).toThrow(InvalidOptionsError);
    expect(pool.stats().queueCapacity).toBe(1);
    pool.update({ queue: 5, maxTasks: 1000 });
    expect(pool.stats()).toMatchObject({ queueCapacity: 5, size: 1 });
  });
});

test('drain resolves when nothing runs or waits, and the pool goes on', async () => {
  await using pool = jobsPool({ size: 1 });
  await pool.drain();
  const stage = new Stage();
  let isDrained = false;
  const runs = [pool.run('hold', stage.buffer), pool.run('visit', stage.buffer)];
  const drained = pool.drain().then(() => (isDrained = true));
  await until(() => stage.started === 1);
  expect(isDrained).toBe(false);
  stage.open();
  await drained;
  expect(stage.ended).toBe(2);
  await Promise.all(runs);
  expect(await pool.run('echo', 1)).toBe(1);
});

test('higher priorities go first, and equal ones in their order', async () => {
  await using pool = await readyPool({ size: 1 });
  const stage = new Stage();
  const held = pool.run('hold', stage.buffer);
  const order: string[] = [];
  const runs = [0, 0, 5, -3, 5].map(async (priority, i) => {
    await pool.run('burn', 3, { priority });
    order.push(`${priority}#${i}`);
  });
  stage.open();
  await Promise.all([held, ...runs]);
  expect(order).toEqual(['5#2', '5#4', '0#0', '0#1', '-3#3']);
});

describe('stop', () => {
  test('does all that was accepted, and refuses what comes later', async () => {
    const pool = await readyPool({ size: 2 });
    const stage = new Stage();
    const held = pool.run('hold', stage.buffer);
    const waiting = Array.from({ length: 20 }, () => pool.run('visit', stage.buffer));
    const stopped = pool.stop();
    expect(pool.stats().state).toBe('stopping');
    await expect(pool.run('echo', 1)).rejects.toThrow(PoolStoppedError);
    expect(pool.trySubmit(pool.task('echo', 1))).toBeUndefined();
    stage.open();
    expect(await stopped).toEqual({ refused: 0, ended: 0, running: 0 });
    await Promise.all([held, ...waiting]);
    expect(await pool.stop({ reject: 'all' })).toEqual({ refused: 0, ended: 0, running: 0 });
    expect(pool.stats()).toMatchObject({ state: 'stopped', completed: 21, rejected: 2 });
    expect(pool.stats().workers).toEqual([]);
  });

  test('with reject: queued refuses what waits, and what runs goes on', async () => {
    const pool = await readyPool({ size: 1 });
    const stage = new Stage();
    const held = pool.run('hold', stage.buffer);
    await until(() => stage.started === 1);
    const waiting = outcomes(Array.from({ length: 5 }, () => pool.run('visit', stage.buffer)));
    const stopped = pool.stop({ reject: 'queued' });
    expect(new Set(await waiting)).toEqual(new Set(['PoolStoppedError']));
    stage.open();
    expect(await held).toBe('thread-pool-1');
    expect(await stopped).toEqual({ refused: 5, ended: 0, running: 0 });
    expect(stage.started).toBe(1);
  });

  test.each([
    { options: { reject: 'all' } as const, way: 'with reject: all at once' },
    { options: { timeoutMs: 20 }, way: 'when the time is up' },
    { options: { timeoutMs: 0 }, way: 'without any time' },
  ])('ends what runs and refuses what waits $way', async ({ options }) => {
    const pool = await readyPool({ size: 2 });
    const stage = new Stage();
    const stuck = outcomes([pool.run('spin', stage.buffer), pool.run('hold', stage.buffer)]);
    await until(() => stage.started === 2);
    const waiting = outcomes(Array.from({ length: 3 }, () => pool.run('visit', stage.buffer)));
    expect(await pool.stop(options)).toEqual({ refused: 3, ended: 2, running: 0 });
    expect(await stuck).toEqual(['TimeoutError', 'TimeoutError']);
    expect(new Set(await waiting)).toEqual(new Set(['PoolStoppedError']));
    expect(pool.stats()).toMatchObject({ failed: 2, rejected: 3, active: 0, queued: 0 });
    expect(pool.stats().workers).toEqual([]);
    expectBalanced(pool);
  });

  test('of a pool that is paused does what waits', async () => {
    const pool = await readyPool({ size: 1 });
    pool.pause();
    const waiting = pool.run('echo', 1);
    expect(await pool.stop()).toEqual({ refused: 0, ended: 0, running: 0 });
    expect(await waiting).toBe(1);
  });

  test('of a pool whose workers still start ends them, too', async () => {
    const pool = jobsPool({ size: 3 });
    expect(await pool.stop()).toEqual({ refused: 0, ended: 0, running: 0 });
    expect(pool.stats().workers).toEqual([]);
  });

  test('with options that are wrong says so, and stops nothing', async () => {
    await using pool = jobsPool({ size: 1 });
    expect(() => pool.stop({ timeoutMs: -1 })).toThrow(InvalidOptionsError);
    expect(await pool.run('echo', 1)).toBe(1);
  });
});
