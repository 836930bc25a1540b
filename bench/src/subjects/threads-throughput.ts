import type { Subject, TrialSubject } from '../harness/subject.ts';
import { settlePace } from '../threads/pace.ts';
import type { PoolMaker } from '../threads/pool.ts';
import {
  coalescedPool,
  piscina16,
  piscinaDefault,
  piscinaOthers,
  poolifier,
  postMessagePool,
  tinypoolDefault,
  tinypoolOthers,
  workerpool,
} from '../threads/pools.ts';
import { sluicePools } from '../threads/sluice.ts';
import { atMost, contenders, onThreads } from '../threads/subject.ts';
import { throughputTrial, type Throughput } from '../threads/trials/throughput-trial.ts';
import { bytes, cpu, nothing, oneKilobyteObject } from '../threads/work.ts';

const shared = {
  kind: 'trial',
  url: import.meta.url,
  prepare: settlePace,
  figure: 'µs/call',
} as const;

const piscinas: readonly PoolMaker[] = [piscinaDefault, piscina16];
const usual: readonly PoolMaker[] = [postMessagePool, coalescedPool, ...sluicePools, ...piscinas];
/** Every peer in every setting of its transport. */
const all: readonly PoolMaker[] = [
  ...usual,
  ...piscinaOthers,
  tinypoolDefault,
  ...tinypoolOthers,
  workerpool,
  poolifier,
];

const throughput = (makers: readonly PoolMaker[], what: Throughput): TrialSubject['contenders'] =>
  contenders(makers, (maker, plan) => throughputTrial(maker, what, plan));

const noops = (threads: number): TrialSubject => ({
  ...shared,
  name: `threads-noop-1000-on-${threads}`,
  title: `Thread pool, no-op, 1,000 outstanding, ${threads === 1 ? '1 thread' : `${threads} threads`}`,
  operation:
    'a thread answers a call with the number it was given, 1,000 calls always on their way',
  contenders: throughput(all, { work: () => nothing, threads, outstanding: 1000 }),
  limits: [atMost(1 / 20, ...piscinas, ...piscinaOthers)],
  notes: [
    'Goroutines behind a channel (Go 1.19, another machine of 2 cores): 1.5 million calls/s on 1, 1.7 million on 2.',
    'The floors have no queue, no errors, no time limits: they hand out in turn whatever comes.',
  ],
});

const objects: TrialSubject = {
  ...shared,
  name: 'threads-object-1k-1000',
  title: 'Thread pool, 1 KB object, 1,000 outstanding',
  operation:
    'an object of 1 KB as JSON goes to one of 2 threads and comes back, 1,000 on their way',
  contenders: throughput(usual, {
    work: () => oneKilobyteObject,
    threads: 2,
    outstanding: 1000,
  }),
  limits: [atMost(1 / 3, ...piscinas)],
};

const buffers = (moved: boolean): TrialSubject => ({
  ...shared,
  name: `threads-64k-${moved ? 'moved' : 'copied'}`,
  title: `Thread pool, 64 KB ${moved ? 'transferred' : 'copied'}, 64 outstanding`,
  operation: `64 KB are ${moved ? 'moved' : 'copied'} to one of 2 threads and back, 64 times at once`,
  contenders: throughput(usual, {
    work: () => bytes(64 * 1024, moved),
    threads: 2,
    outstanding: 64,
  }),
  limits: [atMost(moved ? 1 / 2 : 1, ...piscinas)],
});

const shortTasks: TrialSubject = {
  ...shared,
  name: 'threads-50us',
  title: 'Thread pool, 50 µs of CPU, 1,000 outstanding',
  operation: 'one of 2 threads is busy for 50 µs, 1,000 calls always on their way',
  contenders: throughput([...usual, tinypoolDefault, workerpool, poolifier], {
    work: () => cpu(50),
    threads: 2,
    outstanding: 1000,
  }),
  limits: [atMost(1 / 1.4, ...piscinas)],
};

const longTasks: TrialSubject = {
  ...shared,
  name: 'threads-1ms',
  title: 'Thread pool, 1 ms of CPU, from 1 thread to 2',
  operation: 'a thread is busy for 1 ms, 16 calls always on their way',
  contenders: [1, 2].flatMap((count) =>
    onThreads([postMessagePool, ...sluicePools, ...piscinas], count, (maker, threads, plan) =>
      throughputTrial(maker, { work: () => cpu(1000), threads, outstanding: 16 }, plan),
    ),
  ),
  limits: [
    {
      contender: 'sluice, 2 threads',
      of: 'ratio',
      to: 'sluice, 1 thread',
      max: 1 / 1.8,
    },
  ],
};

export const subjects: readonly Subject[] = [
  noops(1),
  noops(2),
  objects,
  buffers(false),
  buffers(true),
  shortTasks,
  longTasks,
];
