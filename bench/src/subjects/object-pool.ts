import { ObjectPool } from '@sluice/core';
import { pairs, sink } from '../harness/pairs.ts';
import type { Contender, OperationSubject, Running, Subject } from '../harness/subject.ts';

/** How objects of one kind are made, used and made like new. A use answers 1 of an object that is like new. */
interface Kind<T extends object> {
  readonly create: () => T;
  readonly use: (object: T) => number;
  readonly reset: (object: T) => void;
}

class Point {
  uses = 0;
  x = 0;
}

const point: Kind<Point> = {
  create: () => new Point(),
  use: (one) => {
    one.x = 7;
    return ++one.uses;
  },
  reset: (one) => {
    one.uses = 0;
    one.x = 0;
  },
};

class Call {
  uses = 0;
  route = '';
  key: string | undefined = undefined;
  startMs = 0;
  deadlineMs = Infinity;
  attempts = 0;
  error: unknown = undefined;
  body: { readonly id: number } | undefined = undefined;
}

const call: Kind<Call> = {
  create: () => new Call(),
  use: (one) => {
    one.route = '/orders/:id';
    one.key = 'tenant-7';
    one.startMs = 1.5;
    one.body = { id: one.uses };
    return ++one.uses;
  },
  reset: (one) => {
    one.uses = 0;
    one.route = '';
    one.key = undefined;
    one.startMs = 0;
    one.deadlineMs = Infinity;
    one.attempts = 0;
    one.error = undefined;
    one.body = undefined;
  },
};

const ROWS = 1000;
const USED = 10;

class Table {
  readonly rows: Float64Array = new Float64Array(ROWS);
  readonly order: Uint32Array = new Uint32Array(ROWS);
  used = 0;
}

const table: Kind<Table> = {
  create: () => new Table(),
  use: (one) => {
    for (let row = 0; row < USED; row++) {
      one.rows[one.used] = row;
      one.order[one.used++] = USED - row;
    }
    return one.used / USED;
  },
  reset: (one) => {
    one.rows.fill(0, 0, one.used);
    one.order.fill(0, 0, one.used);
    one.used = 0;
  },
};

function sameObject<T extends object>({ create, use, reset }: Kind<T>): Running {
  const object = create();
  return pairs(() => object, use, reset);
}

function madeAnew<T extends object>({ create, use }: Kind<T>): Running {
  return pairs(create, use, sink);
}

/** The compiler makes no object at all where nobody else can see it. */
function madeInPlace<T extends object>({ create, use }: Kind<T>): Running {
  return pairs(create, use, () => undefined);
}

function plainStack<T extends object>({ create, use, reset }: Kind<T>): Running {
  const stack: T[] = [];
  const put = (object: T): void => {
    reset(object);
    stack.push(object);
  };
  return pairs(() => stack.pop() ?? create(), use, put);
}

function pooled<T extends object>({ create, use, reset }: Kind<T>): Running {
  const pool = new ObjectPool({ create, reset });
  return pairs(
    () => pool.get(),
    use,
    (object) => void pool.put(object),
  );
}

function pooledUse<T extends object>({ create, use, reset }: Kind<T>): Running {
  const pool = new ObjectPool({ create, reset });
  return {
    run(iterations) {
      let sum = 0;
      for (let i = 0; i < iterations; i++) sum += pool.use(use);
      return sum;
    },
  };
}

const POOL = 'sluice ObjectPool, get and put';
const ANEW = 'made anew each time';
const STACK = 'array pop and push, nothing checked';

function contenders<T extends object>(kind: Kind<T>): Contender[] {
  return [
    { name: 'one object, reset each time', kind: 'floor', setup: () => sameObject(kind) },
    { name: ANEW, kind: 'floor', setup: () => madeAnew(kind) },
    { name: 'made anew, never leaves its function', kind: 'floor', setup: () => madeInPlace(kind) },
    { name: STACK, kind: 'floor', setup: () => plainStack(kind) },
    { name: POOL, kind: 'sluice', setup: () => pooled(kind) },
    { name: 'sluice ObjectPool, use', kind: 'sluice', setup: () => pooledUse(kind) },
  ];
}

const shared = {
  kind: 'operation',
  url: import.meta.url,
  checksum: (iterations: number) => iterations,
} as const;

const small: OperationSubject = {
  ...shared,
  name: 'object-pool',
  title: 'Object pool, an object of 2 fields',
  operation: 'an object is got, written to, made like new and given back',
  contenders: contenders(point),
  limits: [
    { contender: POOL, of: 'figure', max: 6 },
    { contender: POOL, of: 'bytes', max: 0 },
  ],
  notes: [
    'An object made anew needs no reset, and dies young: the least that it can cost the collector. One that never leaves its function the compiler does not make at all.',
  ],
};

const medium: OperationSubject = {
  ...shared,
  name: 'object-pool-call',
  title: 'Object pool, an object of 8 fields',
  operation:
    'an object is got, written to, given a small object of this moment to refer to, made like new and given back',
  contenders: contenders(call),
  notes: [
    'An object in a pool is old. When it is made to refer to a young one, the collector has to be told of it.',
  ],
};

const dear: OperationSubject = {
  ...shared,
  name: 'object-pool-table',
  title: `Object pool, a table of ${ROWS} rows`,
  operation: `a table is got, ${USED} of its rows are written, they are cleared, and it is given back`,
  contenders: contenders(table),
  limits: [{ contender: POOL, of: 'ratio', to: ANEW, max: 1 / 2 }],
};

/** Objects of several shapes through code that they share: what a pool costs beside others. */
function inTurn(all: readonly Running[]): Running {
  return {
    async run(iterations) {
      let sum = 0;
      for (const one of all) sum += await one.run(iterations / all.length);
      return sum;
    },
  };
}

/** Each with a field of its own, written out: to compute its name would cost more than the object. */
const creators: readonly (() => Record<string, number>)[] = [
  () => ({ uses: 0, a: 1 }),
  () => ({ uses: 0, b: 1 }),
  () => ({ uses: 0, c: 1 }),
  () => ({ uses: 0, d: 1 }),
  () => ({ uses: 0, e: 1 }),
  () => ({ uses: 0, f: 1 }),
  () => ({ uses: 0, g: 1 }),
  () => ({ uses: 0, h: 1 }),
];

const shapes: readonly Kind<Record<string, number>>[] = creators.map((create) => ({
  create,
  use: (object) => (object['uses'] = (object['uses'] ?? 0) + 1),
  reset: (object) => void (object['uses'] = 0),
}));

const several: OperationSubject = {
  ...shared,
  name: 'object-pool-shapes',
  title: `Object pool, ${creators.length} pools of objects of different shapes`,
  operation: 'an object is got, written to, made like new and given back',
  batch: creators.length,
  contenders: [
    { name: ANEW, kind: 'floor', setup: () => inTurn(shapes.map(madeAnew)) },
    { name: STACK, kind: 'floor', setup: () => inTurn(shapes.map(plainStack)) },
    { name: POOL, kind: 'sluice', setup: () => inTurn(shapes.map(pooled)) },
  ],
  notes: ['V8 compiles code for up to four shapes of object; with more it looks each field up.'],
};

export const subjects: readonly Subject[] = [small, medium, dear, several];
