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

export const subjects: readonly Subject[] = [free, queued];
