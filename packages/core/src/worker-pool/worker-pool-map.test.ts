import { getEventListeners } from 'node:events';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidOptionsError, PoolStoppedError } from '../core/index.ts';
import type { MapOptions } from '../job-queue/index.ts';
import { ManualClock, settlePromises } from '../testing/index.ts';
import type { WorkerPoolOptions } from './options.ts';
import { WorkerPool } from './worker-pool.ts';

const never = (): Promise<never> => new Promise(() => undefined);

function setup(options: WorkerPoolOptions = {}) {
  const clock = new ManualClock();
  const pool = new WorkerPool({ clock, name: 'io', size: 2, queue: 2, ...options });
  const log: string[] = [];
  /** Counts up, and notes what is asked of it. */
  function* numbers(count = Infinity): Generator<number, void> {
    try {
      for (let n = 0; n < count; n++) {
        log.push(`pulled ${n}`);
        yield n;
      }
    } finally {
      log.push('closed');
    }
  }
  /** A task that takes as many ms as its item says. */
  const taking = async (ms: number): Promise<number> => {
    await new Promise<void>((resolve) => void clock.schedule(ms, resolve));
    return ms;
  };
  return { clock, pool, log, numbers, taking };
}

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const result of results) all.push(result);
  return all;
}

test('map gives results in the order of the source, whatever their tasks take', async () => {
  const { clock, pool, taking } = setup({ size: 3 });
  const results = collect(pool.map([30, 10, 20, 5], taking));
  await clock.run(100);
  expect(await results).toEqual([30, 10, 20, 5]);
});

test('map gives results as they are ready where the order does not count', async () => {
  const { clock, pool, taking } = setup({ size: 3 });
  const results = collect(pool.map([30, 10, 20, 5], taking, { ordered: false }));
  await clock.run(100);
  expect(await results).toEqual([10, 5, 20, 30]);
});

test('map takes async sources, and is done with an empty one at once', async () => {
  const { pool } = setup();
  async function* source(): AsyncGenerator<string> {
    yield* ['a', 'b', 'c'];
  }
  const upper = (text: string): string => text.toUpperCase();
  expect(await collect(pool.map(source(), upper))).toEqual(['A', 'B', 'C']);
  expect(await collect(pool.map('de', upper))).toEqual(['D', 'E']);
  expect(await collect(pool.map([], upper))).toEqual([]);
});

test('map pulls nothing before the first result is asked for, then only what lanes can take', async () => {
  const { pool, log, numbers } = setup({ size: 2, queue: 10 });
  const results = pool.map(numbers(), never);
  expect(log).toEqual([]);
  void results.next();
  await settlePromises();
  expect(log).toEqual(['pulled 0', 'pulled 1']);
  expect(pool.stats()).toMatchObject({ active: 2, queued: 0 });
});

test('map goes on while its consumer is busy, and holds at most as many results as tasks', async () => {
  const { pool, log, numbers } = setup({ size: 2 });
  const results = pool.map(numbers(), (n) => n);
  expect(await results.next()).toEqual({ done: false, value: 0 });
  await settlePromises();
  expect(log.filter((line) => line.startsWith('pulled'))).toHaveLength(5);
  await results.return?.();
  expect(log.at(-1)).toBe('closed');
});

test('map follows the size of the pool', async () => {
  const { pool, log, numbers } = setup({ size: 1 });
  void pool.map(numbers(), never).next();
  pool.resize(3);
  await settlePromises();
  expect(log).toEqual(['pulled 0', 'pulled 1', 'pulled 2']);
});

test('map keeps to its concurrency, and to the places of the pool where that is more', async () => {
  for (const [concurrency, underWay] of [
    [1, 1],
    [3, 3],
    [Infinity, 4],
  ] as const) {
    const { pool, log, numbers } = setup({ size: 2, queue: 2 });
    void pool.map(numbers(), never, { concurrency }).next();
    await settlePromises();
    expect(log).toHaveLength(underWay);
    expect(pool.stats()).toMatchObject({ rejected: 0, submitted: underWay });
  }
});

test('map waits for room while others fill the pool, and is never refused for it', async () => {
  const { pool, log, numbers } = setup({ size: 1, queue: 0 });
  const other = Promise.withResolvers<void>();
  const running = pool.submit(() => other.promise);
  const results = collect(pool.map(numbers(3), (n) => n));
  await settlePromises();
  expect(log).toEqual([]);
  other.resolve();
  await running;
  expect(await results).toEqual([0, 1, 2]);
  expect(pool.stats()).toMatchObject({ completed: 4, rejected: 0 });
});

test('the first error ends a map: no more is pulled, what runs is aborted, the source is closed', async () => {
  const { clock, pool, log, numbers } = setup({ size: 3 });
  const reasons: unknown[] = [];
  const error = new Error('broken');
  const results = pool.map(numbers(), async (n, { signal }) => {
    signal.addEventListener('abort', () => reasons.push(signal.reason));
    await new Promise<void>((resolve) => void clock.schedule(10 * (n + 1), resolve));
    if (n === 1) throw error;
    return n;
  });
  const all = collect(results);
  await Promise.all([expect(all).rejects.toBe(error), clock.run(20)]);
  expect(log.slice(-1)).toEqual(['closed']);
  expect(reasons).toEqual([error, error]);
  expect(await results.next()).toEqual({ done: true, value: undefined });
});

test('leaving the loop ends a map, and so does its signal', async () => {
  const { pool, log, numbers } = setup();
  const aborted: number[] = [];
  for await (const first of pool.map(numbers(), (n, { signal }) => {
    signal.addEventListener('abort', () => aborted.push(n));
    return n === 0 ? settlePromises().then(() => n) : never();
  })) {
    expect(first).toBe(0);
    break;
  }
  expect(log.at(-1)).toBe('closed');
  expect(aborted.length).toBeGreaterThan(0);
  const controller = new AbortController();
  const results = collect(pool.map(numbers(), never, { signal: controller.signal }));
  controller.abort('gone');
  await expect(results).rejects.toBe('gone');
  expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
});

test('leaving a map whose source does not answer waits for nobody', async () => {
  const { pool } = setup();
  let isClosed = false;
  const source: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: never,
      return: async () => {
        isClosed = true;
        return { done: true, value: undefined };
      },
    }),
  };
  const results = pool.map(source, (n) => n);
  const pending = results.next();
  expect(await results.return?.()).toEqual({ done: true, value: undefined });
  expect(await pending).toEqual({ done: true, value: undefined });
  expect(isClosed).toBe(true);
});

test('a source that fails ends its map with that error, and is not closed again', async () => {
  const { pool } = setup();
  let closed = 0;
  const source: Iterable<number> = {
    [Symbol.iterator]: () => ({
      next: () => {
        throw new Error('no more');
      },
      return: () => {
        closed++;
        return { done: true, value: undefined };
      },
    }),
  };
  await expect(collect(pool.map(source, (n) => n))).rejects.toThrow('no more');
  expect(closed).toBe(0);
});

test('a map over a pool that stops ends with PoolStoppedError', async () => {
  const { clock, pool, numbers, taking } = setup();
  clock.schedule(5, () => void pool.stop());
  const results = collect(pool.map(numbers(), async () => taking(10)));
  await Promise.all([expect(results).rejects.toBeInstanceOf(PoolStoppedError), clock.run(20)]);
});

test('what a map says of its tasks holds for each of them', async () => {
  const { clock, pool, taking } = setup();
  const results = collect(pool.map([5, 20], taking, { timeoutMs: 10 }));
  await Promise.all([
    expect(results).rejects.toMatchObject({ code: 'SLUICE_TIMEOUT', timeoutMs: 10 }),
    clock.run(10),
  ]);
});

test('map names everything that is wrong at once', () => {
  const { pool } = setup();
  const options = { concurrency: 0, ordered: 'no', lanes: 3 } as unknown as MapOptions;
  expect(() => pool.map(7 as never, undefined as never, options)).toThrow(InvalidOptionsError);
  expect(() => pool.map([], (n) => n, { concurrency: 1.5 })).toThrow(
    'io.map: concurrency must be an integer of at least 1, or Infinity, got 1.5',
  );
});

test('several maps and other calls share a pool: each gives all its results, nothing is refused to a map', async () => {
  const shape = fc.record({
    size: fc.integer({ min: 1, max: 4 }),
    queue: fc.integer({ min: 0, max: 3 }),
    others: fc.integer({ min: 0, max: 6 }),
    maps: fc.array(
      fc.record({
        times: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 12 }),
        concurrency: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
        ordered: fc.boolean(),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  });
  await fc.assert(
    fc.asyncProperty(shape, async ({ size, queue, others, maps }) => {
      const { clock, pool, taking } = setup({ size, queue });
      for (let i = 0; i < others; i++) void pool.trySubmit(() => taking(i));
      const before = pool.stats().rejected;
      const all = maps.map(({ times, ...options }) => collect(pool.map(times, taking, options)));
      await clock.run(1000);
      const results = await Promise.all(all);
      for (const [i, { times, ordered }] of maps.entries()) {
        const expected = ordered ? times : times.toSorted((a, b) => a - b);
        const seen = results[i] as number[];
        expect(ordered ? seen : seen.toSorted((a, b) => a - b)).toEqual(expected);
      }
      expect(pool.stats()).toMatchObject({ rejected: before, active: 0, queued: 0 });
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 500 },
  );
}, 60_000);
