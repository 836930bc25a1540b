import type { Subject, TrialSubject } from '../harness/subject.ts';
import { settlePace } from '../threads/pace.ts';
import type { PoolMaker } from '../threads/pool.ts';
import {
  coalescedPool,
  piscina16,
  piscinaDefault,
  poolifier,
  postMessagePool,
  tinypoolDefault,
  workerpool,
} from '../threads/pools.ts';
import { sluicePools } from '../threads/sluice.ts';
import { atMost, contenders } from '../threads/subject.ts';
import { aloneTrial } from '../threads/trials/alone-trial.ts';
import { handoverTrial } from '../threads/trials/handover-trial.ts';
import { loopDelayTrial } from '../threads/trials/loop-delay-trial.ts';
import { mixedTrial, type Mixture } from '../threads/trials/mixed-trial.ts';
import { pacedTrial } from '../threads/trials/paced-trial.ts';
import { NEXT_SERVED, stuckTrial } from '../threads/trials/stuck-trial.ts';
import { nothing, oneKilobyteObject } from '../threads/work.ts';

const shared = { kind: 'trial', url: import.meta.url, prepare: settlePace } as const;

const piscinas: readonly PoolMaker[] = [piscinaDefault, piscina16];
const usual: readonly PoolMaker[] = [postMessagePool, ...sluicePools, ...piscinas];

const alone: TrialSubject = {
  ...shared,
  name: 'threads-noop-1',
  title: 'Thread pool, no-op, one outstanding',
  operation: 'a thread answers with the number it was given, one call after the other',
  figure: 'p50 µs',
  contenders: contenders([...usual, tinypoolDefault, workerpool, poolifier], (maker, plan) =>
    aloneTrial(maker, () => nothing, plan),
  ),
  limits: [{ contender: 'sluice', of: 'figure', max: 3 }],
};

const aloneObject: TrialSubject = {
  ...shared,
  name: 'threads-object-1k-1',
  title: 'Thread pool, 1 KB object, one outstanding',
  operation: 'an object of 1 KB as JSON goes to a thread and comes back, one after the other',
  figure: 'p50 µs',
  contenders: contenders(usual, (maker, plan) => aloneTrial(maker, () => oneKilobyteObject, plan)),
};

const paced = (ratePerSecond: number): TrialSubject => ({
  ...shared,
  name: `threads-paced-${ratePerSecond}`,
  title: `Thread pool, no-op, ${ratePerSecond} a second`,
  operation: `a thread answers a call; ${ratePerSecond} a second arrive at random, whether served or not`,
  figure: 'p50 µs',
  contenders: contenders(usual, (maker, plan) => pacedTrial(maker, ratePerSecond, plan)),
  limits: [atMost(1.2, ...piscinas)],
});

const mixed = (name: string, mixture: Mixture): Omit<TrialSubject, 'limits'> => ({
  ...shared,
  name: `threads-mixed-${name}`,
  title: `Thread pool, ${mixture.shortMicros} µs beside ${mixture.longMicros / 1000} ms`,
  operation: `one of 2 threads is busy for ${mixture.shortMicros} µs, called by ${mixture.shortCallers} beside one who calls for ${mixture.longMicros / 1000} ms; the short ones are timed`,
  figure: 'p99 µs',
  contenders: contenders(usual, (maker, plan) => mixedTrial(maker, mixture, plan)),
});

const stuck: TrialSubject = {
  ...shared,
  name: 'threads-stuck',
  title: 'Thread pool, an endless loop',
  operation: 'an endless loop on the only thread is rejected by its time limit of 50 ms',
  figure: 'ms after its limit',
  contenders: contenders([...sluicePools, piscinaDefault, tinypoolDefault, workerpool], stuckTrial),
  limits: [
    { contender: 'sluice', of: 'figure', max: 5 },
    { contender: 'sluice', of: 'column', column: NEXT_SERVED, max: 60 },
  ],
  notes: [
    'Piscina and tinypool by `AbortSignal.timeout`; poolifier has no way to end a loop.',
    'The next call is sent at the moment of the rejection and needs a new thread.',
  ],
};

const loopDelay: TrialSubject = {
  ...shared,
  name: 'threads-loop-delay',
  title: 'Thread pool, delay of the main thread under load',
  operation: 'the event loop of the main thread comes round while 2 threads run 50 µs tasks',
  figure: 'p99 ms',
  contenders: contenders(
    [postMessagePool, coalescedPool, ...sluicePools, ...piscinas],
    loopDelayTrial,
  ),
  limits: [atMost(1, ...piscinas)],
  notes: [
    '1,000 calls outstanding. By perf_hooks at a resolution of 1 ms, which is part of the figure.',
  ],
};

const handover: TrialSubject = {
  ...shared,
  name: 'threads-handover',
  title: 'Thread pool, what a hand-over costs',
  operation: 'a call that does nothing carries bytes to a thread and back, one after the other',
  figure: '0 B, µs',
  contenders: contenders([...usual, tinypoolDefault], handoverTrial),
  notes: [
    'Medians in µs of calls in a hot loop. A task must outlast the figure of its payload for a thread to pay; where calls are rare, `threads-paced` shows what waking costs on top.',
  ],
};

export const subjects: readonly Subject[] = [
  alone,
  aloneObject,
  paced(100),
  paced(900),
  {
    ...mixed('1ms', { shortMicros: 10, shortCallers: 16, longMicros: 1000, windows: 3 }),
    limits: [atMost(1 / 4, ...piscinas)],
  },
  {
    ...mixed('20ms', { shortMicros: 50, shortCallers: 16, longMicros: 20_000, windows: 6 }),
    limits: [{ contender: 'sluice', of: 'figure', max: 5000 }],
  },
  stuck,
  loopDelay,
  handover,
];
