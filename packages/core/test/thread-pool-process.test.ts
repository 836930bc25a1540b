import assert from 'node:assert/strict';
import { afterAll, describe, expect, test } from 'vitest';
import { ThreadPool, TimeoutError, type ThreadPoolOptions } from '../src/index.ts';
import { ManualClock } from '../src/testing/index.ts';
import { cloneableValues } from '../src/thread-pool/codec/testing/cloneable-values.ts';
import { assertSameClone } from '../src/thread-pool/codec/testing/expect-same.ts';
import type * as jobs from './kit/process-jobs.ts';

const module = new URL('./kit/process-jobs.ts', import.meta.url);
const pool = new ThreadPool<typeof jobs>(module, { size: 1, isolation: 'process', name: 'cpu' });
afterAll(() => pool.stop());

const SHARED = /shared memory/u;
const none = cloneableValues.filter(({ way }) => way === 'none');
const shared = cloneableValues.filter(({ name }) => SHARED.test(name));
const crossing = cloneableValues.filter(({ name, way }) => way !== 'none' && !SHARED.test(name));

describe('values cross to a process and back as structuredClone delivers them', () => {
  test.each(crossing)('$name', async ({ name, make }) => {
    const value = make();
    const echoed = await pool.run('echo', value);
    assert.doesNotThrow(() => assertSameClone(echoed, structuredClone(value)));
    const made = await pool.run('make', name);
    const expected = structuredClone(value);
    // An error tells where it was made.
    if (isError(made) && isError(expected)) made.stack = expected.stack as string;
    assert.doesNotThrow(() => assertSameClone(made, expected));
  });
});

describe('what cannot cross to a process rejects its own call, as input and as result', () => {
  test.each([...none, ...shared])('$name', async ({ name, make }) => {
    await assert.rejects(pool.run('echo', make()));
    await assert.rejects(pool.run('makeDeep', name));
    assert.equal(await pool.run('echo', 'next'), 'next');
    assert.equal(pool.stats().crashes, 0);
  });
});

describe('a job in a process', () => {
  test('runs apart from the pool, and is told of its call and of its worker', async () => {
    await using carrying = new ThreadPool<typeof jobs>(module, {
      size: 1,
      isolation: 'process',
      name: 'own',
      carry: () => 'acme',
    });
    assert.notEqual(await carrying.run('pid'), process.pid);
    const about = await carrying.run('about', undefined, { key: 'k', deadlineMs: 100_000 });
    const { deadlineMs, ...rest } = about;
    assert.ok((deadlineMs as number) > 0 && (deadlineMs as number) <= 100_000);
    const tenant = 'acme';
    assert.deepEqual(rest, { key: 'k', attempt: 1, worker: 'own-1', startedAs: 'own-1', tenant });
  });

  test('may be an inline function, defined before or after the process has started', async () => {
    const square = pool.define('square', (x: number) => x * x);
    assert.equal(await square(12), 144);
    const captured = 3;
    const closing = pool.define('closing', () => captured);
    await assert.rejects(closing(), /the inline job closing uses captured/u);
    await assert.rejects(pool.call['nothing' as 'pid'](), /nothing/u);
  });

  test('fails with its error, its stack and that of the caller, its code and its cause', async () => {
    const error = await callerOf('plain').catch((thrown: unknown) => thrown);
    assert.ok(error instanceof RangeError);
    assert.equal(error.message, 'out of range');
    expect(error).toMatchObject({ code: 'E_FAR', detail: { limit: 3 } });
    assert.equal((error.cause as Error).message, 'deep');
    assert.match(error.stack ?? '', /process-jobs[^]*at process cpu-\d+[^]*callerOf/u);
  });

  test('fails in words where its error holds what cannot be cloned, or is none', async () => {
    await assert.rejects(callerOf('uncloneable'), { name: 'RangeError', message: 'out of range' });
    await assert.rejects(callerOf('text'), (thrown) => thrown === 'only words');
  });

  test('may move its result, which is copied', async () => {
    const bytes = await pool.run('moved', 70_000);
    assert.equal(bytes.length, 70_000);
    assert.equal(bytes[69_999], 7);
  });

  test('gets a copy of what is transferred, which its caller can use no more', async () => {
    const bytes = new Uint8Array([1, 2, 3]);
    const answer = await pool.run('echo', bytes, { transfer: [bytes.buffer] });
    assert.deepEqual(answer, new Uint8Array([1, 2, 3]));
    assert.equal(bytes.byteLength, 0);
  });

  test('takes and gives values of many megabytes', async () => {
    const large = { text: 'ж'.repeat(2 ** 20), bytes: new Uint8Array(8 * 2 ** 20).fill(5) };
    const { text, bytes } = (await pool.run('echo', large)) as typeof large;
    assert.equal(text, large.text);
    assert.ok(Buffer.from(bytes.buffer).equals(large.bytes));
  });

  test('has a heap of the size that was asked for', async () => {
    const limitOf = async (options: ThreadPoolOptions): Promise<number> => {
      const own = { ...options, size: 1, isolation: 'process' } as const;
      await using limited = new ThreadPool<typeof jobs>(module, own);
      return await limited.run('heapLimitMb');
    };
    const least = await limitOf({ maxHeapMb: 64 });
    assert.equal(await limitOf({ maxHeapMb: 100 }), least + 36);
    // What the user himself tells Node holds.
    const execArgv = ['--max-old-space-size=80'];
    assert.equal(await limitOf({ maxHeapMb: 100, execArgv }), least + 16);
  });
});

describe('a call that ends early', () => {
  test('ends an endless loop at its timeout, and the next task is served', async () => {
    await using looping = new ThreadPool<typeof jobs>(module, { size: 1, isolation: 'process' });
    const first = await looping.run('pid');
    await assert.rejects(looping.run('loop', undefined, { timeoutMs: 50 }), TimeoutError);
    assert.notEqual(await looping.run('pid'), first);
    const { restarts, crashes, failed } = looping.stats();
    assert.deepEqual({ restarts, crashes, failed }, { restarts: 1, crashes: 0, failed: 1 });
  });

  test('ends an endless loop when its caller leaves', async () => {
    await using looping = new ThreadPool<typeof jobs>(module, { size: 1, isolation: 'process' });
    await looping.run('pid');
    const controller = new AbortController();
    const running = looping.run('loop', undefined, { signal: controller.signal });
    controller.abort(new Error('gone'));
    await assert.rejects(running, /gone/u);
    assert.equal(await looping.run('echo', 1), 1);
    assert.equal(looping.stats().aborted, 1);
  });

  test('is heard by a loop that never yields but asks, and by one that listens: the process stays', async () => {
    await using heeding = new ThreadPool<typeof jobs>(module, {
      size: 1,
      isolation: 'process',
      graceMs: 60_000,
    });
    const first = await heeding.run('pid');
    await assert.rejects(heeding.run('heed', undefined, { timeoutMs: 30 }), TimeoutError);
    await assert.rejects(heeding.run('listen', undefined, { timeoutMs: 30 }), TimeoutError);
    assert.equal(await heeding.run('pid'), first);
  });
});

test('a process runs as many tasks at the same time as the pool allows, and is handed no more', async () => {
  await using pair = new ThreadPool<typeof jobs>(module, {
    size: 1,
    isolation: 'process',
    concurrencyPerThread: 2,
  });
  await Promise.all([pair.run('meet'), pair.run('meet')]);
  const three = [pair.run('meet'), pair.run('meet'), pair.run('echo', 'third')];
  assert.equal(pair.stats().active, 2);
  assert.equal((await Promise.all(three)).at(-1), 'third');
});

test('the pool knows what its processes use', async () => {
  await pool.run('echo', 1);
  const [worker] = pool.stats().workers;
  assert.ok(worker !== undefined && worker.cpuMs > 0);
  assert.ok(worker.heapBytes > 2 ** 20);
  assert.ok(worker.busyMs > 0);
});

/** Also of one whose prototype is another one: a clone has the prototype of its name. */
function isError(value: unknown): value is Error {
  return Object.prototype.toString.call(value) === '[object Error]';
}

async function callerOf(kind: 'plain' | 'uncloneable' | 'text'): Promise<unknown> {
  return await pool.run('fail', kind);
}

test('a task that comes to its process after its deadline is not run there', async () => {
  // To this side no time passes; to the process, what it took to start.
  const clock = new ManualClock();
  await using late = new ThreadPool<typeof jobs>(module, {
    size: 1,
    isolation: 'process',
    name: 'late',
    clock,
  });
  const [worker] = await late.broadcast(late.task('pid'));
  assert.notEqual(worker, process.pid);
  await assert.rejects(late.run('loop', undefined, { deadlineMs: 1 }), {
    name: 'DeadlineExceededError',
  });
  expect(late.stats()).toMatchObject({ expired: 1, completed: 1, active: 0 });
});
