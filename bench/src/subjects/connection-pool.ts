import { ConnectionPool, ObjectPool, type Lease } from '@sluice/core';
import { createPool } from 'generic-pool';
import { Pool as LightningPool } from 'lightning-pool';
import { Pool as TarnPool } from 'tarn';
import { awaited, inBatches } from '../harness/loops.ts';
import { pairs } from '../harness/pairs.ts';
import type { Contender, OperationSubject, Running, Subject } from '../harness/subject.ts';
import { awaitTask } from './task.ts';

const MAX = 10;
const BATCH = 10_000;
const FEW = 100;

/** What is pooled here: made at once, and ended by being forgotten. */
interface Connection {
  readonly answer: number;
}

const connect = (): Connection => ({ answer: 1 });
const connectAsync = async (): Promise<Connection> => connect();

/** A pool as its callers see it. */
interface Exchanges {
  /** One after the other, in the caller's own function. */
  readonly oneByOne: Running;
  /** One exchange, for callers that come together. */
  readonly exchange: () => Promise<number>;
  readonly close: () => unknown;
}

/** `giveBack` answers with what came over the connection. */
function exchanges<T>(
  acquire: () => Promise<T>,
  giveBack: (held: T) => number,
  close: () => unknown,
): Exchanges {
  return {
    oneByOne: {
      async run(iterations) {
        let sum = 0;
        for (let i = 0; i < iterations; i++) sum += giveBack(await acquire());
        return sum;
      },
    },
    exchange: () => acquire().then(giveBack),
    close,
  };
}

const connections = (): ConnectionPool<Connection> =>
  new ConnectionPool<Connection>({ create: connect, max: MAX, maxPending: BATCH });

/** Each makes a pool of up to ten connections, by its defaults, with room for a batch of callers. */
const pools: Readonly<Record<string, () => Exchanges>> = {
  'sluice acquire': () => {
    const pool = connections();
    const giveBack = (lease: Lease<Connection>): number => {
      const { answer } = lease.value;
      lease.release();
      return answer;
    };
    return exchanges(
      () => pool.acquire(),
      giveBack,
      () => pool.stop(),
    );
  },
  'sluice use': () => {
    const pool = connections();
    const exchange = (): Promise<number> => pool.use(({ answer }) => answer);
    return { oneByOne: awaited(exchange), exchange, close: () => pool.stop() };
  },
  'generic-pool': () => {
    const factory = { create: connectAsync, destroy: async () => undefined };
    const pool = createPool<Connection>(factory, { max: MAX });
    const giveBack = (connection: Connection): number => {
      void pool.release(connection);
      return connection.answer;
    };
    const close = async (): Promise<void> => {
      await pool.drain();
      await pool.clear();
    };
    return exchanges(() => pool.acquire(), giveBack, close);
  },
  tarn: () => {
    const destroy = (): void => undefined;
    const pool = new TarnPool<Connection>({ create: connectAsync, destroy, min: 0, max: MAX });
    const giveBack = (connection: Connection): number => {
      pool.release(connection);
      return connection.answer;
    };
    return exchanges(
      () => pool.acquire().promise,
      giveBack,
      () => pool.destroy(),
    );
  },
  'lightning-pool': () => {
    const factory = { create: connectAsync, destroy: () => undefined };
    const pool = new LightningPool<Connection>(factory, { max: MAX, maxQueue: BATCH });
    const giveBack = (connection: Connection): number => {
      pool.release(connection);
      return connection.answer;
    };
    return exchanges(
      () => pool.acquire(),
      giveBack,
      () => pool.closeAsync(true),
    );
  },
};

function driven(make: () => Exchanges, drive: (of: Exchanges) => Running): Running {
  const made = make();
  return {
    ...drive(made),
    teardown: async () => {
      await made.close();
    },
  };
}

const contenders = (drive: (of: Exchanges) => Running): Contender[] =>
  Object.entries(pools).map(([name, make]) => ({
    name,
    kind: name.startsWith('sluice') ? 'sluice' : 'peer',
    setup: () => driven(make, drive),
  }));

const together =
  (callers: number) =>
  ({ exchange }: Exchanges): Running =>
    inBatches(callers, exchange);

const shared = {
  kind: 'operation',
  url: import.meta.url,
  checksum: (iterations: number) => iterations,
} as const;

const idle: OperationSubject = {
  ...shared,
  name: 'connection-pool',
  title: 'Connection pool, a connection idle',
  operation: 'a connection is acquired, awaited and given back',
  contenders: [awaitTask, ...contenders(({ oneByOne }) => oneByOne)],
  limits: [
    { contender: 'sluice acquire', of: 'figure', max: 200 },
    { contender: 'sluice acquire', of: 'ratio', to: 'generic-pool', max: 1 / 6 },
  ],
  notes: [
    'Nobody waits for the promise that the release of generic-pool gives, since the connection is free without.',
  ],
};

async function tryAcquire(): Promise<Running> {
  const pool = connections();
  (await pool.acquire()).release();
  return {
    run(iterations) {
      let sum = 0;
      for (let i = 0; i < iterations; i++) {
        const lease = pool.tryAcquire();
        if (lease === undefined) continue;
        sum += lease.value.answer;
        lease.release();
      }
      return sum;
    },
    teardown: async () => {
      await pool.stop();
    },
  };
}

const answerOf = ({ answer }: Connection): number => answer;

function stack(): Running {
  const all: Connection[] = [];
  return pairs(
    () => all.pop() ?? connect(),
    answerOf,
    (connection) => void all.push(connection),
  );
}

function objects(): Running {
  const pool = new ObjectPool({ create: connect });
  return pairs(
    () => pool.get(),
    answerOf,
    (connection) => void pool.put(connection),
  );
}

const synchronous: OperationSubject = {
  ...shared,
  name: 'connection-pool-sync',
  title: 'Connection pool, a connection idle, without waiting',
  operation: 'a connection is taken if one is idle, and given back',
  contenders: [
    { name: 'array pop and push, nothing checked', kind: 'floor', setup: stack },
    { name: 'sluice tryAcquire', kind: 'sluice', setup: tryAcquire },
    { name: 'sluice ObjectPool', kind: 'sluice', setup: objects },
  ],
  notes: [
    'None of the others can be asked for a connection without a promise. The object pool checks neither age nor health, and knows no leases.',
  ],
};

const SLUICE_FEW = `sluice acquire, ${FEW} at once`;

const queued: OperationSubject = {
  ...shared,
  name: 'connection-pool-queued',
  title: 'Connection pool, 10,000 callers at once',
  operation: `one of 10,000 callers that come at once waits for one of ${MAX} connections, gets it and gives it back`,
  batch: BATCH,
  contenders: [
    ...contenders(together(BATCH)),
    {
      name: SLUICE_FEW,
      kind: 'sluice',
      setup: () => driven(pools['sluice acquire']!, together(FEW)),
    },
  ],
  limits: [{ contender: 'sluice acquire', of: 'ratio', to: SLUICE_FEW, max: 2 }],
};

export const subjects: readonly Subject[] = [idle, synchronous, queued];
