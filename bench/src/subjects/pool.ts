import { WorkerPool } from '@sluice/core';
import { bulkhead } from 'cockatiel';
import pLimit from 'p-limit';
import PQueue from 'p-queue';
import { awaited, inBatches } from '../harness/loops.ts';
import type { Contender, OperationSubject, Subject } from '../harness/subject.ts';
import { awaitTask, task } from './task.ts';

const LANES = 10;
const BATCH = 10_000;

type Submit = () => Promise<number>;

const workerPool = (): WorkerPool => new WorkerPool({ size: LANES, queue: BATCH });

/** Each makes a fresh pool of ten lanes with room for a batch in its queue. */
const pools: Readonly<Record<string, () => Submit>> = {
  'sluice execute': () => {
    const pool = workerPool();
    return () => pool.execute(task);
  },
  'sluice submit': () => {
    const pool = workerPool();
    return () => pool.submit(task);
  },
  'p-limit': () => {
    const limit = pLimit(LANES);
    return () => limit(task);
  },
  'p-queue': () => {
    const queue = new PQueue({ concurrency: LANES });
    return () => queue.add(task);
  },
  'cockatiel bulkhead': () => {
    const policy = bulkhead(LANES, BATCH);
    return () => policy.execute(task);
  },
};

const contenders = (drive: (submit: Submit) => ReturnType<Contender['setup']>): Contender[] =>
  Object.entries(pools).map(([name, make]) => ({
    name,
    kind: name.startsWith('sluice') ? 'sluice' : 'peer',
    setup: () => drive(make()),
  }));

const shared = {
  kind: 'operation',
  url: import.meta.url,
  checksum: (iterations: number) => iterations,
} as const;

const free: OperationSubject = {
  ...shared,
  name: 'pool',
  title: 'Worker pool, a lane free',
  operation: 'one task runs at once on a pool of ten lanes and is awaited',
  contenders: [awaitTask, ...contenders(awaited)],
  limits: [
    { contender: 'sluice execute', of: 'ratio', to: 'F: await the task', max: 1.9 },
    { contender: 'sluice execute', of: 'ratio', to: 'p-limit', max: 1 / 9 },
  ],
};

const queued: OperationSubject = {
  ...shared,
  name: 'pool-queued',
  title: 'Worker pool, 10,000 queued',
  operation:
    'one of 10,000 tasks submitted at once to ten lanes runs, and all are awaited together',
  batch: BATCH,
  contenders: [
    { name: 'no pool: all at once', kind: 'floor', setup: () => inBatches(BATCH, task) },
    ...contenders((submit) => inBatches(BATCH, submit)),
  ],
  limits: [
    { contender: 'sluice execute', of: 'figure', max: 300 },
    { contender: 'sluice submit', of: 'figure', max: 300 },
  ],
};

const PRIORITIES = 8;
const KEYS = 100;

/** Calls with these options in turn, made once: what a caller writes anew each time is not the pool's cost. */
function inTurn<T>(
  count: number,
  make: (i: number) => T,
  submit: (options: T) => Promise<number>,
): Submit {
  const all = Array.from({ length: count }, (_, i) => make(i));
  let calls = 0;
  return () => submit(all[calls++ % count] as T);
}

function sluiceByPriority(): Submit {
  const pool = workerPool();
  return inTurn(
    PRIORITIES,
    (priority) => ({ priority }),
    (options) => pool.submit(task, options),
  );
}

function sluiceByKey(): Submit {
  const pool = workerPool();
  return inTurn(
    KEYS,
    (i) => ({ key: `tenant-${i}` }),
    (options) => pool.submit(task, options),
  );
}

function pQueueByPriority(): Submit {
  const queue = new PQueue({ concurrency: LANES });
  return inTurn(
    PRIORITIES,
    (priority) => ({ priority }),
    (options) => queue.add(task, options),
  );
}

const ordered: OperationSubject = {
  ...shared,
  name: 'pool-queued-ordered',
  title: 'Worker pool, 10,000 queued, by priority or key',
  operation: `one of 10,000 tasks of ${PRIORITIES} priorities or ${KEYS} keys, submitted at once to ten lanes, runs`,
  batch: BATCH,
  contenders: [
    {
      name: `sluice, ${PRIORITIES} priorities`,
      kind: 'sluice',
      setup: () => inBatches(BATCH, sluiceByPriority()),
    },
    { name: `sluice, ${KEYS} keys`, kind: 'sluice', setup: () => inBatches(BATCH, sluiceByKey()) },
    {
      name: `p-queue, ${PRIORITIES} priorities`,
      kind: 'peer',
      setup: () => inBatches(BATCH, pQueueByPriority()),
    },
  ],
  notes: ['Of the others only p-queue has priorities, and none has keys.'],
};

export const subjects: readonly Subject[] = [free, queued, ordered];
