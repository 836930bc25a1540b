import { afterEach, expect, test, vi } from 'vitest';
import { InvalidOptionsError } from '../core/index.ts';
import { ObjectPool, type ObjectPoolOptions } from './index.ts';

interface Note {
  text: string;
}

function setUp(options: Partial<ObjectPoolOptions<Note>> = {}) {
  const made: Note[] = [];
  const pool = new ObjectPool<Note>({
    create: () => {
      const note = { text: '' };
      made.push(note);
      return note;
    },
    reset: (note) => {
      note.text = '';
    },
    ...options,
  });
  return { pool, made };
}

const boom = new Error('boom');
const fail = (): never => {
  throw boom;
};

afterEach(() => {
  vi.restoreAllMocks();
});

test('an object that came back is handed out again, as good as new', () => {
  const { pool, made } = setUp();
  const note = pool.get();
  note.text = 'secret of a user';
  expect(pool.put(note)).toBe(true);
  expect(note.text).toBe('');
  expect(pool.get()).toBe(note);
  expect(made).toEqual([note]);
});

test('when none is idle, a new one is made, however many are lent', () => {
  const { pool } = setUp({ max: 2 });
  const notes = new Set(Array.from({ length: 100 }, () => pool.get()));
  expect(notes.size).toBe(100);
  expect(pool.stats()).toMatchObject({ created: 100, outstanding: 100, idle: 0 });
});

test('what comes back beyond max is dropped', () => {
  const { pool } = setUp({ max: 2 });
  const notes = [pool.get(), pool.get(), pool.get()];
  expect(notes.map((note) => pool.put(note))).toEqual([true, true, false]);
  expect(pool.stats()).toMatchObject({ idle: 2, discarded: 1, outstanding: 0 });
});

test('a max of 0 keeps nothing, and everything else holds', () => {
  const { pool, made } = setUp({ max: 0 });
  const note = pool.get();
  expect(pool.put(note)).toBe(false);
  expect(() => pool.put(note)).toThrow('has come back already');
  expect(pool.get()).not.toBe(note);
  expect(made).toHaveLength(2);
});

test('an object that has come back already is refused, by name', () => {
  const { pool } = setUp({ name: 'notes' });
  const note = pool.get();
  pool.put(note);
  expect(() => pool.put(note)).toThrow(
    'notes: the object has come back already; it is put once for each get.',
  );
  expect(pool.idle).toBe(1);
});

test('so is one that was dropped, and one that has been handed out anew is not', () => {
  const { pool } = setUp({ max: 1 });
  const [kept, dropped] = [pool.get(), pool.get()];
  pool.put(kept);
  pool.put(dropped);
  expect(() => pool.put(dropped)).toThrow('has come back already');
  expect(pool.get()).toBe(kept);
  expect(pool.put(kept)).toBe(true);
});

test.each([
  ['an object of its own making', { text: '' }, 'got one from elsewhere'],
  ['an object without prototype', Object.create(null) as Note, 'got one from elsewhere'],
  ['an object of another pool', setUp().pool.get(), 'got one of another pool'],
  ['nothing', undefined as unknown as Note, 'got undefined'],
  ['a number', 7 as unknown as Note, 'got 7'],
])('%s is refused', (_what, object, words) => {
  const { pool } = setUp({ name: 'notes' });
  expect(() => pool.put(object)).toThrow(
    `notes: only what this pool has handed out can be put, ${words}.`,
  );
  expect(pool.stats()).toMatchObject({ idle: 0, discarded: 0, outstanding: 0 });
});

test.each<[string, () => object]>([
  ['plain objects', () => ({})],
  ['objects without prototype', () => Object.create(null) as object],
  ['arrays', () => []],
  ['maps', () => new Map()],
  ['functions', () => () => 1],
  ['buffers', () => Buffer.alloc(8)],
  ['typed arrays', () => new Float64Array(2)],
  ['proxies', () => new Proxy({}, {})],
])('%s can be pooled, and show no sign of it', (_what, create) => {
  const pool = new ObjectPool({ create });
  const object = pool.get();
  expect(Reflect.ownKeys(object)).toEqual(Reflect.ownKeys(create()));
  pool.put(object);
  expect(() => pool.put(object)).toThrow('has come back already');
  expect(pool.get()).toBe(object);
});

test('prefill makes objects ahead', () => {
  const { pool, made } = setUp({ prefill: 3 });
  expect(made).toHaveLength(3);
  expect(made).toContain(pool.get());
  expect(pool.stats()).toEqual({
    max: 1000,
    idle: 2,
    outstanding: 1,
    created: 0,
    prefilled: 3,
    reused: 1,
    discarded: 0,
  });
});

test('an object that is unfit when it comes back is dropped without a reset', () => {
  const reset = vi.fn<(note: Note) => void>();
  const { pool } = setUp({ reset, validate: ({ text }) => text.length < 5 });
  const note = pool.get();
  note.text = 'too long';
  expect(pool.put(note)).toBe(false);
  expect(reset).not.toHaveBeenCalled();
  expect(pool.get()).not.toBe(note);
});

test('objects that became unfit while idle are never handed out, however many', () => {
  const unfit = new Set<Note>();
  const { pool, made } = setUp({ prefill: 500, validate: (note) => !unfit.has(note) });
  for (const note of made.slice(0, 499)) unfit.add(note);
  expect(pool.get()).toBe(made[499]);
  pool.put(made[499]!);
  unfit.add(made[499]!);
  expect(unfit.has(pool.get())).toBe(false);
  expect(pool.stats()).toMatchObject({ idle: 0, discarded: 500, outstanding: 1 });
});

test('what create throws goes to the caller, and counts as nothing', () => {
  const { pool } = setUp({ create: fail });
  expect(() => pool.get()).toThrow(boom);
  expect(pool.stats()).toMatchObject({ created: 0, outstanding: 0 });
});

test('what create throws while it prefills goes to whoever constructs', () => {
  expect(() => setUp({ create: fail, prefill: 1 })).toThrow(boom);
});

test('an object whose reset throws is dropped, and was put all the same', () => {
  const { pool } = setUp({ reset: fail });
  const note = pool.get();
  expect(() => pool.put(note)).toThrow(boom);
  expect(() => pool.put(note)).toThrow('has come back already');
  expect(pool.stats()).toMatchObject({ idle: 0, discarded: 1, outstanding: 0 });
});

test('an object whose check throws is dropped, whether it comes or goes', () => {
  const { pool } = setUp({ prefill: 1, validate: fail });
  expect(() => pool.get()).toThrow(boom);
  const note = pool.get();
  expect(() => pool.put(note)).toThrow(boom);
  expect(pool.stats()).toMatchObject({ idle: 0, discarded: 2, outstanding: 0 });
});

test('functions that are asynchronous are refused: the pool does not wait for them', () => {
  const create = (): Note => Promise.resolve() as unknown as Note;
  expect(() => setUp({ create }).pool.get()).toThrow(
    'object-pool: create must give an object, synchronously, got a promise.',
  );
  const reset = (async () => undefined) as () => void;
  const { pool } = setUp({ reset });
  expect(() => pool.put(pool.get())).toThrow(
    'object-pool: reset must be synchronous, but it gave a promise.',
  );
  pool.update({ validate: (async () => true) as unknown as () => boolean });
  expect(() => pool.put(pool.get())).toThrow('validate must answer true or false, got an object');
  expect(pool.stats()).toMatchObject({ idle: 0, discarded: 2, outstanding: 0 });
});

test('create must make what is new', () => {
  const note = { text: '' };
  const { pool } = setUp({ create: () => note });
  pool.get();
  const words = 'create must give a new object each time, got one that is in a pool already.';
  expect(() => pool.get()).toThrow(words);
  expect(() => setUp({ create: () => note }).pool.get()).toThrow(words);
  const nothing = (): Note => undefined as unknown as Note;
  expect(() => setUp({ create: nothing }).pool.get()).toThrow('got undefined');
});

test('reset may use the pool that calls it', () => {
  const { pool } = setUp({ max: 1 });
  const [first, second] = [pool.get(), pool.get()];
  pool.update({
    reset: (note) => {
      if (note === first) pool.put(second);
      expect(() => pool.put(note)).toThrow('has come back already');
    },
  });
  expect(pool.put(first)).toBe(false);
  expect(pool.get()).toBe(second);
  expect(pool.stats()).toMatchObject({ idle: 0, discarded: 1, outstanding: 1 });
});

test('use hands an object to a function, and takes it back when that returns', () => {
  const { pool, made } = setUp();
  const length = pool.use((note) => {
    expect(pool.idle).toBe(0);
    note.text = 'four';
    return note.text.length;
  });
  expect([length, pool.idle, made[0]?.text]).toEqual([4, 1, '']);
});

test('use takes the object back when the function throws', () => {
  const { pool } = setUp();
  expect(() => pool.use(fail)).toThrow(boom);
  expect(pool.stats()).toMatchObject({ idle: 1, outstanding: 0 });
});

test('use takes the object back only when an asynchronous function has settled', async () => {
  const { pool } = setUp();
  const { promise, resolve } = Promise.withResolvers<string>();
  const used = pool.use(async () => promise);
  expect(pool.idle).toBe(0);
  resolve('done');
  expect(await used).toBe('done');
  expect(pool.idle).toBe(1);
  await expect(pool.use(async () => fail())).rejects.toBe(boom);
  expect(pool.stats()).toMatchObject({ idle: 1, outstanding: 0, reused: 1 });
});

test('the error of a failed use goes before that of the taking back, which is reported', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const mistake = new Error('reset');
  const { pool } = setUp({
    reset: () => {
      throw mistake;
    },
  });
  expect(() => pool.use(fail)).toThrow(boom);
  await expect(pool.use(async () => fail())).rejects.toBe(boom);
  expect(warned.mock.calls).toEqual([[mistake], [mistake]]);
  expect(() => pool.use(() => 1)).toThrow(mistake);
  await expect(pool.use(async () => 1)).rejects.toBe(mistake);
  expect(pool.stats()).toMatchObject({ idle: 0, discarded: 4, outstanding: 0 });
});

test('an object that is put within its use is put twice', () => {
  const { pool } = setUp();
  expect(() => pool.use((note) => pool.put(note))).toThrow('has come back already');
  expect(pool.stats()).toMatchObject({ idle: 1, outstanding: 0 });
});

test('trim drops idle objects until so many are left', () => {
  const { pool } = setUp({ prefill: 5 });
  expect([pool.trim(6), pool.trim(3), pool.idle]).toEqual([0, 2, 3]);
  pool.get();
  expect([pool.trim(2), pool.trim(1), pool.idle]).toEqual([0, 1, 1]);
  expect([pool.trim(), pool.idle]).toEqual([1, 0]);
  expect(pool.stats()).toMatchObject({ discarded: 4, outstanding: 1 });
  expect(() => pool.trim(-1)).toThrow('keep must be an integer of at least 0, got -1.');
});

test('options change live: what is idle stays as far as there is room', () => {
  const { pool, made } = setUp({ prefill: 4 });
  pool.update({ max: 2 });
  expect(pool.stats()).toMatchObject({ max: 2, idle: 2, discarded: 2 });
  pool.update({ max: 10, prefill: 5 });
  expect(pool.stats()).toMatchObject({ max: 10, idle: 5, prefilled: 7 });
  const note = pool.get();
  pool.update({ reset: (each) => void (each.text = 'new rule'), max: 5 });
  pool.put(note);
  expect(note.text).toBe('new rule');
  pool.update({ create: () => ({ text: 'other' }), reset: undefined });
  expect(made).toContain(pool.get());
  pool.trim();
  const other = pool.get();
  expect(other.text).toBe('other');
  other.text = 'as it is';
  pool.put(other);
  expect(pool.get().text).toBe('as it is');
});

test('an update that is wrong changes nothing', () => {
  const { pool } = setUp({ max: 3, prefill: 3 });
  expect(() => pool.update({ max: 1, prefill: 2 })).toThrow(
    'ObjectPool: prefill must be at most max (1), got 2',
  );
  expect(() => pool.update({ max: -1 })).toThrow(InvalidOptionsError);
  expect(pool.stats()).toMatchObject({ max: 3, idle: 3 });
});

test('wrong options are refused, all at once', () => {
  const options = { create: 1, reset: 2, max: 1.5, prefill: -1, size: 3 };
  expect(() => new ObjectPool(options as unknown as ObjectPoolOptions<Note>)).toThrow(
    /create must be a function, got 1; reset must be a function, got 2; max must be an integer.*prefill must.*size must be left out/,
  );
  expect(() => new ObjectPool({ create: () => [], prefill: 1001 })).toThrow('at most max (1000)');
});

test('a reset that comes later drops what lies idle without one', () => {
  const pool = new ObjectPool({ create: () => ({ text: '' }) });
  const object = pool.get();
  object.text = 'secret';
  pool.put(object);
  pool.update({ reset: (each) => void (each.text = '') });
  expect(pool.get()).not.toBe(object);
});
