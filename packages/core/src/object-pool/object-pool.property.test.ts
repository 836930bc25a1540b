import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ObjectPool } from './index.ts';

interface Item {
  readonly serial: number;
  /** Written by its user, cleared by reset. */
  owner: number | undefined;
  fit: boolean;
}

type Step =
  | { readonly do: 'get' | 'trim' | 'max' | 'prefill'; readonly n: number }
  | {
      readonly do: 'put' | 'put again' | 'put what is foreign' | 'spoil' | 'lose';
      readonly n: number;
    }
  | { readonly do: 'use' | 'failing use' | 'failing reset' | 'failing create'; readonly n: number };

const step: fc.Arbitrary<Step> = fc.record({
  do: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('get', 'put') },
    {
      weight: 5,
      arbitrary: fc.constantFrom(
        'trim',
        'max',
        'prefill',
        'put again',
        'put what is foreign',
        'spoil',
        'lose',
        'use',
        'failing use',
        'failing reset',
        'failing create',
      ),
    },
  ),
  n: fc.nat({ max: 12 }),
}) as fc.Arbitrary<Step>;

/** A pool, and what is known of its objects from outside. */
class Model {
  readonly boom = new Error('boom');
  readonly fail = (): never => {
    throw this.boom;
  };
  readonly lent = new Set<Item>();
  readonly returned = new Set<Item>();
  max: number;
  made = 0;
  lost = 0;
  failNext: 'reset' | 'create' | undefined;
  readonly pool: ObjectPool<Item>;
  readonly other = new ObjectPool<Item>({ create: () => ({ serial: -1, owner: 0, fit: true }) });

  constructor(max: number) {
    this.max = max;
    this.pool = new ObjectPool<Item>({
      max,
      create: () => {
        if (this.failNext === 'create') throw this.boom;
        return { serial: this.made++, owner: undefined, fit: true };
      },
      reset: (item) => {
        if (this.failNext === 'reset') throw this.boom;
        item.owner = undefined;
      },
      validate: (item) => item.fit,
    });
  }

  take(n: number): void {
    const item = this.pool.get();
    // Held by nobody else, fit, and without a trace of whoever had it before.
    assert.deepEqual([this.lent.has(item), item.fit, item.owner], [false, true, undefined]);
    item.owner = n;
    this.returned.delete(item);
    this.lent.add(item);
  }

  giveBack(item: Item): void {
    this.lent.delete(item);
    this.returned.add(item);
    if (this.failNext === 'reset' && item.fit) {
      assert.throws(() => this.pool.put(item), this.boom);
    } else {
      const before = this.pool.idle;
      const kept = this.pool.put(item);
      assert.equal(kept, item.fit && before < this.max);
      assert.equal(this.pool.idle, kept ? before + 1 : before);
    }
  }

  run(action: Step): void {
    const nth = (items: Set<Item>): Item | undefined => [...items][action.n % (items.size || 1)];
    const one = nth(this.lent);
    const { pool } = this;
    switch (action.do) {
      case 'get':
        this.take(action.n);
        break;
      case 'put':
        if (one) this.giveBack(one);
        break;
      case 'put again': {
        const back = nth(this.returned);
        if (back) assert.throws(() => pool.put(back), /has come back already/);
        break;
      }
      case 'put what is foreign': {
        const foreign = [{ serial: -1, owner: 0, fit: true }, this.other.get()];
        for (const item of foreign) assert.throws(() => pool.put(item), /can be put, got one/);
        break;
      }
      case 'spoil':
        // Lent or idle: the pool is not asked.
        for (const item of [one, nth(this.returned)]) if (item) item.fit = false;
        break;
      case 'lose':
        if (one && this.lent.delete(one)) this.lost++;
        break;
      case 'trim':
        pool.trim(action.n);
        assert.ok(pool.idle <= action.n);
        break;
      case 'max':
        this.max = action.n;
        pool.update({ max: action.n });
        break;
      case 'prefill':
        pool.update({ prefill: Math.min(action.n, this.max) });
        assert.ok(pool.idle >= Math.min(action.n, this.max));
        break;
      case 'use':
        pool.use((item) => assert.ok(!this.lent.has(item)));
        break;
      case 'failing use':
        assert.throws(() => pool.use(this.fail), this.boom);
        break;
      case 'failing reset':
        this.failNext = 'reset';
        if (one) this.giveBack(one);
        break;
      case 'failing create':
        this.failNext = 'create';
        pool.trim();
        assert.throws(() => pool.get(), this.boom);
        break;
    }
    this.failNext = undefined;
  }

  check(): void {
    const stats = this.pool.stats();
    assert.equal(stats.idle, this.pool.idle);
    assert.ok(stats.idle <= this.max);
    assert.equal(stats.outstanding, this.lent.size + this.lost);
    // Every object ever made is idle, or lent, or dropped.
    assert.equal(stats.created + stats.prefilled, this.made);
    assert.equal(stats.idle + stats.outstanding + stats.discarded, this.made);
  }
}

test('whatever is done with a pool, no object has two users, a trace of its last one, or a place beyond max', () => {
  fc.assert(
    fc.property(fc.nat({ max: 8 }), fc.array(step, { maxLength: 120 }), (max, steps) => {
      const model = new Model(max);
      for (const action of steps) {
        model.run(action);
        model.check();
      }
      for (const item of model.lent) model.giveBack(item);
      expect(model.pool.stats().outstanding).toBe(model.lost);
    }),
    { numRuns: 300 },
  );
});

test('objects used by many asynchronous callers at once are never shared, and all come back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: 5 }), fc.boolean()), { maxLength: 40 }),
      async (callers) => {
        const inUse = new Set<object>();
        const pool = new ObjectPool({ create: () => ({}), max: 10 });
        const use = (turns: number, fails: boolean): Promise<void> =>
          pool.use(async (object) => {
            expect(inUse.has(object)).toBe(false);
            inUse.add(object);
            for (let turn = 0; turn < turns; turn++) await Promise.resolve();
            inUse.delete(object);
            if (fails) throw new Error('boom');
          });
        const ends = await Promise.allSettled(callers.map(([turns, fails]) => use(turns, fails)));
        expect(ends.map(({ status }) => status === 'rejected')).toEqual(
          callers.map(([, fails]) => fails),
        );
        expect(pool.stats()).toMatchObject({
          outstanding: 0,
          idle: Math.min(10, pool.stats().created),
        });
      },
    ),
    { numRuns: 200 },
  );
});
