import { afterAll, describe, expect, test } from 'vitest';
import { cloneableValues } from '../src/thread-pool/codec/testing/cloneable-values.ts';
import { assertSameClone as expectSame } from '../src/thread-pool/codec/testing/expect-same.ts';
import { expectBalanced, jobsPool, readyPool } from './kit/threads/pools.ts';

const pool = jobsPool({ size: 1, name: 'values' });
afterAll(() => pool.stop());

const LARGE = 'x'.repeat(100_000);
const cloneable = cloneableValues.filter(({ way }) => way !== 'none');
const uncloneable = cloneableValues.filter(({ way }) => way === 'none');

describe('a value goes to a worker and comes back as structuredClone delivers it', () => {
  test.each(cloneable)('$name', async ({ make }) => {
    for (let round = 0; round < 4; round++) {
      const value = make();
      expectSame(await pool.run('echo', value), structuredClone(value));
    }
  });

  test.each(cloneable)('$name, too large for shared memory', async ({ make }) => {
    const large = { deep: [make()], LARGE };
    expectSame(await pool.run('echo', large), structuredClone(large));
  });

  test.each(cloneable)('$name, beside other tasks of the same tick', async ({ make }) => {
    const value = [make()];
    const results = await Promise.all([1, 2, 3].map(() => pool.run('echo', value)));
    for (const result of results) expectSame(result, structuredClone(value));
  });
});

describe('an input that cannot be cloned rejects its own call', () => {
  test.each(uncloneable)('$name', async ({ make }) => {
    const before = pool.run('echo', 'before');
    const refused = pool.run('echo', { deep: make() });
    const after = pool.run('echo', 'after');
    await expect(refused).rejects.toThrow(Error);
    expect(await Promise.all([before, after])).toEqual(['before', 'after']);
    expectBalanced(pool);
  });
});

test('an input that cannot be cloned rejects with DataCloneError, also when it had to wait', async () => {
  const own = jobsPool({ size: 1 });
  const waiting = own.run('echo', () => 1);
  await expect(waiting).rejects.toMatchObject({ name: 'DataCloneError' });
  expect(own.stats()).toMatchObject({ submitted: 1, failed: 1, active: 0, queued: 0 });
  await own.stop();
});

test.each(['uncloneable', 'uncloneableLater'] as const)(
  'a result that cannot be cloned rejects its own call: %s',
  async (job) => {
    const results = [pool.run('echo', 1), pool.run(job), pool.run('echo', 2)];
    const settled = await Promise.allSettled(results);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await expect(results[1]).rejects.toMatchObject({ name: 'DataCloneError' });
  },
);

test('a getter of a result that throws rejects with what it threw', async () => {
  await expect(pool.run('brokenGetter')).rejects.toThrow(new RangeError('the getter broke'));
  expect(await pool.run('echo', 'still there')).toBe('still there');
});

test('a getter of an input that throws rejects its own call with what it threw', async () => {
  const broken = {
    get field(): never {
      throw new RangeError('the getter broke');
    },
  };
  await expect(pool.run('echo', broken)).rejects.toThrow('the getter broke');
  expect(await pool.run('echo', 'still there')).toBe('still there');
});

test.each(['small', 'large'])('a getter of a %s input may submit a task', async (size) => {
  const own = await readyPool({ size: 2 });
  const inner: Promise<unknown>[] = [];
  const filler = size === 'large' ? LARGE : '';
  const input = {
    filler,
    get field(): string {
      inner.push(own.run('echo', { inner: filler }));
      return 'read';
    },
  };
  const outer = await Promise.all([1, 2, 3].map(() => own.run('echo', input)));
  for (const result of outer) expect(result).toEqual({ filler, field: 'read' });
  expect(inner.length).toBeGreaterThan(0);
  for (const result of await Promise.all(inner)) expect(result).toEqual({ inner: filler });
  await own.stop();
});

test('what is transferred arrives whole, and the sender has it no more', async () => {
  const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i);
  const expected = Uint8Array.from(bytes);
  const result = pool.run('moved', bytes, { transfer: [bytes.buffer] });
  expect(bytes.byteLength).toBe(0);
  expect(await result).toEqual(expected);
});

test('small and large, transferred and copied values keep their order and their tasks', async () => {
  const values = Array.from({ length: 600 }, (_, i) => {
    if (i % 5 === 0) return { i, text: LARGE };
    return i % 3 === 0 ? new Map([[i, { i }]]) : { i };
  });
  const results = values.map((value, i) => {
    const bytes = new Uint8Array([i & 255]);
    return i % 7 === 0
      ? pool.run('moved', bytes, { transfer: [bytes.buffer] })
      : pool.run('echo', value);
  });
  const expected = values.map((value, i) => (i % 7 === 0 ? new Uint8Array([i & 255]) : value));
  expect(await Promise.all(results)).toEqual(expected);
});

test('objects shared between tasks of one tick arrive as objects of their own', async () => {
  const own = jobsPool({ size: 1 });
  const shared = { text: LARGE };
  const [one, two] = await Promise.all([own.run('echo', shared), own.run('echo', shared)]);
  expect(one).toEqual(two);
  expect(one).not.toBe(two);
  await own.stop();
});

test('values of all sizes around those of the rooms in memory arrive, many at once', async () => {
  await using own = await readyPool({ size: 2 });
  const sizes = [4000, 4096, 5000, 30_000, 65_536, 69_600, 69_632, 70_000, 200_000];
  const values = Array.from({ length: 20 }, (_, i) =>
    sizes.flatMap((size) => [
      new Uint8Array(size).fill(i),
      { text: 'ä'.repeat(size / 4), list: [i] },
    ]),
  ).flat();
  const answers = await Promise.all(values.map((value) => own.run('echo', value)));
  expect(answers).toEqual(values);
});
