import { runInThisContext } from 'node:vm';
import { afterAll, describe, expect, expectTypeOf, test } from 'vitest';
import {
  InvalidOptionsError,
  ThreadPool,
  type JobContext,
  type ResultOf,
  type Transferring,
} from '../src/index.ts';
import type * as jobs from './kit/threads/jobs.ts';
import type * as plainJobs from './kit/threads/plain-jobs.mjs';
import { jobsPool } from './kit/threads/pools.ts';

const pool = jobsPool({ size: 1, name: 'jobs' });
afterAll(() => pool.stop());

/** Compiled, and never run. */
const neverRun = (_check: () => unknown): void => undefined;

describe('calls are typed from the module', () => {
  test('run, call and task know the input and the result of each job', async () => {
    const sum = pool.run('add', { a: 1, b: 2 });
    expectTypeOf(sum).toEqualTypeOf<Promise<number>>();
    const text = pool.call.soon('later', { timeoutMs: 60_000 });
    expectTypeOf(text).toEqualTypeOf<Promise<string>>();
    const task = pool.task('add', { a: 3, b: 4 });
    const submitted = pool.submit(task);
    expectTypeOf(submitted).toEqualTypeOf<Promise<number>>();
    expectTypeOf(pool.trySubmit(task)).toEqualTypeOf<Promise<number> | undefined>();
    expectTypeOf(pool.execute(task)).toEqualTypeOf<Promise<number>>();
    const mapped = pool.map([1, 2], (a) => pool.task('add', { a, b: 0 }));
    expectTypeOf(mapped).toEqualTypeOf<AsyncIterableIterator<number, undefined>>();
    expect(await Promise.all([sum, text, submitted])).toEqual([3, 'LATER', 7]);
  });

  test('a moved result has the type of its value, and a job without input needs none', async () => {
    const bytes = new Uint8Array(3);
    const moved = pool.run('moved', bytes);
    expectTypeOf(moved).toEqualTypeOf<Promise<Uint8Array<ArrayBuffer>>>();
    expect(await moved).toEqual(bytes);
    const nothing = pool.call.nothing();
    expectTypeOf(nothing).toEqualTypeOf<Promise<void>>();
    expect(await nothing).toBeUndefined();
  });

  test('an input that may be left out may be given, too', async () => {
    const counted = pool.run('countFrom', 5);
    expectTypeOf(counted).toEqualTypeOf<Promise<number>>();
    const all = [counted, pool.run('countFrom'), pool.call.countFrom(), pool.call.countFrom(7)];
    expect(await Promise.all(all)).toEqual([6, 1, 1, 8]);
    expect(await pool.submit(pool.task('countFrom', 1))).toBe(2);
    const padded = pool.define('padded', (text = 'none', { worker }: JobContext) => text + worker);
    expect(await Promise.all([padded(), padded('on ')])).toEqual(['nonejobs-1', 'on jobs-1']);
    // @ts-expect-error -- an input of another type
    neverRun(() => pool.run('countFrom', 'one'));
  });

  test('a job that always throws gives no value, and one that moves at times gives both kinds', () => {
    expectTypeOf<ResultOf<() => never>>().toBeNever();
    expectTypeOf<ResultOf<() => Promise<never>>>().toBeNever();
    type Mixed = () => Transferring<Uint8Array> | string;
    expectTypeOf<ResultOf<Mixed>>().toEqualTypeOf<Uint8Array | string>();
  });

  test('a broadcast has the results of its task, and an inline function has its own', async () => {
    const counts = pool.broadcast(pool.task('countFrom', 1));
    expectTypeOf(counts).toEqualTypeOf<Promise<number[]>>();
    const names = pool.broadcast(async ({ worker }) => worker);
    expectTypeOf(names).toEqualTypeOf<Promise<string[]>>();
    expectTypeOf(pool.submit(({ attempt }) => attempt)).toEqualTypeOf<Promise<number>>();
    expect([await counts, await names]).toEqual([[2], ['jobs-1']]);
  });

  test('the module is named by the type of an import, or of a name that was imported', () => {
    // oxlint-disable-next-line typescript/consistent-type-imports -- it is what this is about
    type ByImport = ThreadPool<typeof import('./kit/threads/jobs.ts')>;
    expectTypeOf<ByImport>().toEqualTypeOf<ThreadPool<typeof jobs>>();
    expectTypeOf<ByImport['call']['countFrom']>().returns.toEqualTypeOf<Promise<number>>();
  });

  test('wrong names, inputs and options do not compile', () => {
    // @ts-expect-error -- no such job
    neverRun(() => pool.run('subtract', 1));
    expectTypeOf(pool.call).not.toHaveProperty('subtract');
    // @ts-expect-error -- no such job
    neverRun(() => pool.task('subtract', 1));
    // @ts-expect-error -- an input of another type
    neverRun(() => pool.run('add', { a: 1, b: 'two' }));
    // @ts-expect-error -- an input is missing
    neverRun(() => pool.call.add());
    // @ts-expect-error -- an input of another type
    neverRun(() => pool.task('soon', 7));
    // @ts-expect-error -- there is no such option
    neverRun(() => pool.run('soon', 'text', { timeout: 1 }));
    // @ts-expect-error -- a result of another type
    neverRun((): Promise<string> => pool.run('add', { a: 1, b: 2 }));
    // @ts-expect-error -- hooks are no jobs
    neverRun(() => new ThreadPool<{ onStart(): void }>().run('onStart'));
    const square = (x: number): number => x * x;
    // @ts-expect-error -- an input of another type
    neverRun(() => pool.define('never', square)('three'));
    expectTypeOf(pool.define('square', square)).returns.toEqualTypeOf<Promise<number>>();
  });
});

test('a module in plain JavaScript has its functions as jobs, and nothing else', async () => {
  const plain = new ThreadPool<typeof plainJobs>(
    new URL('./kit/threads/plain-jobs.mjs', import.meta.url),
    { size: 1 },
  );
  expect(await plain.run('double', 21)).toBe(42);
  expect(await plain.call.double(4)).toBe(8);
  const notAJob = plain.submit({ job: 'notAJob' });
  await expect(notAJob).rejects.toThrow(InvalidOptionsError);
  await plain.stop();
});

test('a job that the module does not export rejects with its name and those that there are', async () => {
  const own = jobsPool({ size: 1 });
  await expect(own.submit({ job: 'missing' })).rejects.toThrow(/missing.*echo/su);
  await expect(own.submit({ job: 'missing' })).rejects.toThrow(/missing/u);
  expect(await own.run('echo', 1)).toBe(1);
  await own.stop();
});

describe('an inline function', () => {
  test('runs by its name, as a task of its own, and in another thread than this one', async () => {
    const square = pool.define('squared', (x: number) => x * x);
    expect(await Promise.all([square(3), square(4)])).toEqual([9, 16]);
    expect(await pool.submit({ job: 'squared', input: 5 })).toBe(25);
    const where = ({ worker }: JobContext): string => worker;
    expect(await pool.submit(where)).toBe('jobs-1');
  });

  test('may be asynchronous, import what it needs, a method, and a function of the old kind', async () => {
    // From its text, since what compiles this test has its own way to write an import.
    const source = '(async () => (await import("node:path")).posix.sep)';
    const sep = runInThisContext(source) as () => Promise<string>;
    expect(await pool.define('sep', sep)()).toBe('/');
    const methods = {
      triple(this: void, x: number) {
        return 3 * x;
      },
      async 'a name with spaces'(this: void, x: number) {
        return x + 1;
      },
    };
    expect(await pool.define('triple', methods.triple)(5)).toBe(15);
    expect(await pool.define('named', methods['a name with spaces'])(5)).toBe(6);
    const old = pool.define('old', function old(x: number) {
      return x - 1;
    });
    expect(await old(5)).toBe(4);
  });

  test('that captures something rejects with what it captured, and what to do', async () => {
    const factor = Number('3');
    const scaled = pool.define('scaled', (x: number) => x * factor);
    const error: unknown = await scaled(2).catch((mistake: unknown) => mistake);
    expect(error).toBeInstanceOf(ReferenceError);
    expect((error as Error).message).toMatch(/scaled uses factor.*captures nothing/u);
    const later = pool.define('scaledLater', async (x: number) => {
      await Promise.resolve();
      return x * factor;
    });
    await expect(later(2)).rejects.toThrow(/scaledLater uses factor/u);
  });

  test('that has no source of its own is refused where it is defined', () => {
    const wrong = [
      Math.max,
      function bound(this: unknown) {
        return this;
      }.bind(1),
      class {
        a = 1;
      },
      'x => x',
      undefined,
    ];
    for (const [i, each] of wrong.entries()) {
      expect(() => pool.define(`wrong${i}`, each as () => void)).toThrow(InvalidOptionsError);
    }
    expect(() => pool.define('wrong', Math.abs)).toThrow(/native or bound function/u);
    expect(() => pool.define('wrong', wrong[2] as () => void)).toThrow(/a class/u);
  });

  test('cannot take a name that is taken, by the module or by another one', async () => {
    await pool.run('echo', 1);
    expect(() => pool.define('echo', () => 1)).toThrow(/a name that no other job has/u);
    pool.define('once', () => 1);
    expect(() => pool.define('once', () => 2)).toThrow(/a name that no other job has/u);
  });

  test('needs no module', async () => {
    const bare = new ThreadPool({ size: 1 });
    const sum = bare.define('sum', (all: readonly number[]) => all.reduce((a, b) => a + b, 0));
    expect(await sum([1, 2, 3])).toBe(6);
    expect(await bare.submit(() => 7)).toBe(7);
    await bare.stop();
  });
});

test('what is no task, and options that are wrong, reject at once and name the mistake', async () => {
  await expect(pool.submit(7 as never)).rejects.toThrow(InvalidOptionsError);
  await expect(pool.run('echo', 1, { priority: 99, timeoutMs: -1 })).rejects.toThrow(
    /priority.*timeoutMs/su,
  );
  await expect(pool.run('echo', 1, { timeout: 5 } as never)).rejects.toThrow(/no such option/u);
  expect(() => new ThreadPool('./jobs.ts')).toThrow(/a URL/u);
  expect(() => new ThreadPool({ size: 0, graceMs: -1 })).toThrow(/size.*graceMs/su);
  expect(() => pool.update({ size: 0 })).toThrow(InvalidOptionsError);
  expect(pool.stats().size).toBe(1);
});

test('a job is told its key, its attempt, what is left of its deadline, and its worker', async () => {
  expect(await pool.run('told')).toEqual({ key: undefined, attempt: 1, deadlineMs: Infinity });
  const told = await pool.run('told', undefined, { key: 'tenant', deadlineMs: 60_000 });
  expect(told).toMatchObject({ key: 'tenant', attempt: 1 });
  expect(told.deadlineMs).toBeGreaterThan(0);
  expect(told.deadlineMs).toBeLessThanOrEqual(60_000);
  expect(await pool.run('workerName')).toBe('jobs-1');
});
