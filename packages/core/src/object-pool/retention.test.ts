import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, expect, test } from 'vitest';
import { BufferPool, ObjectPool } from './index.ts';

let collectGarbage: () => void;

beforeAll(() => {
  setFlagsFromString('--expose-gc');
  collectGarbage = runInNewContext('gc') as () => void;
});

async function aliveOf(refs: readonly WeakRef<object>[]): Promise<number> {
  await nextTurn();
  collectGarbage();
  return refs.filter((ref) => ref.deref() !== undefined).length;
}

const weak = (objects: readonly object[]): WeakRef<object>[] =>
  objects.map((object) => new WeakRef(object));

test('objects that are not put back are collected, also those that were reused', async () => {
  const pool = new ObjectPool({ create: () => ({}), prefill: 20 });
  const lose = (): WeakRef<object>[] => {
    const objects = Array.from({ length: 10 }, () => pool.get());
    for (const object of objects) pool.put(object);
    return weak(Array.from({ length: 10 }, () => pool.get()));
  };
  expect(await aliveOf(lose())).toBe(0);
  expect(pool.stats()).toMatchObject({ idle: 10, outstanding: 10 });
});

test('objects that were dropped are collected: beyond max, unfit, trimmed', async () => {
  const pool = new ObjectPool({ create: () => ({ fit: true }), validate: ({ fit }) => fit });
  const drop = (): WeakRef<object>[] => {
    const objects = Array.from({ length: 30 }, () => pool.get());
    for (const object of objects.slice(0, 10)) {
      object.fit = false;
      pool.put(object);
    }
    pool.update({ max: 5 });
    for (const object of objects.slice(10)) pool.put(object);
    pool.trim(2);
    return weak(objects);
  };
  expect(await aliveOf(drop())).toBe(2);
  expect(pool.stats()).toMatchObject({ idle: 2, discarded: 28, outstanding: 0 });
});

test('a lent object does not keep its pool alive', async () => {
  const borrow = (): [object, WeakRef<object>] => {
    const pool = new ObjectPool({ create: () => ({}), prefill: 3 });
    return [pool.get(), new WeakRef(pool)];
  };
  const [object, pool] = borrow();
  expect(await aliveOf([pool])).toBe(0);
  expect(object).toEqual({});
});

test('buffers that are not put back are collected', async () => {
  const pool = new BufferPool();
  const lose = (): WeakRef<object>[] => {
    const refs = weak([pool.get(1), pool.get(5000), pool.get(5_000_000)]);
    pool.put(pool.get(70_000));
    return [...refs, new WeakRef(pool.get(70_000))];
  };
  expect(await aliveOf(lose())).toBe(0);
  expect(pool.stats()).toMatchObject({ idleBytes: 0, outstanding: 4, reused: 1 });
});
