import { CircuitBreaker, type CircuitBreakerOptions } from '@sluice/core';
import {
  circuitBreaker,
  ConsecutiveBreaker,
  handleAll,
  SamplingBreaker,
  type IBreaker,
} from 'cockatiel';
import {
  Circuit,
  SlidingCountBreaker,
  SlidingTimeBreaker,
  type SlidingWindowBreaker,
} from 'mollitia';
import OpossumBreaker, { type Options } from 'opossum';
import { awaited, decided, rejected } from '../harness/loops.ts';
import type { OperationSubject, Running, Subject } from '../harness/subject.ts';
import { awaitTask, task } from './task.ts';

/** Longer than any run, so that an open breaker stays open. */
const NEVER_MS = 3_600_000;

function sluice(options: CircuitBreakerOptions): Running {
  const breaker = new CircuitBreaker(options);
  return awaited(() => breaker.execute(task));
}

async function broken(): Promise<CircuitBreaker> {
  const breaker = new CircuitBreaker({ consecutiveFailures: 1, openMs: NEVER_MS });
  await breaker.execute(() => Promise.reject(new Error('broken'))).catch(() => undefined);
  return breaker;
}

async function sluiceOpen(): Promise<Running> {
  const breaker = await broken();
  return rejected(() => breaker.execute(task));
}

/** The verdict as a value, as a pipeline asks for it. */
async function sluiceOpenGate(): Promise<Running> {
  const breaker = await broken();
  return decided(false, () => breaker.enter(breaker.clock.nowMs()) <= 0);
}

async function sluiceOpenAt(): Promise<Running> {
  const breaker = await broken();
  const nowMs = breaker.clock.nowMs();
  return decided(false, () => breaker.enter(nowMs) <= 0);
}

function opossum(options: Options): Running {
  const breaker = new OpossumBreaker(task, { volumeThreshold: 20, ...options });
  return { ...awaited(() => breaker.fire()), teardown: () => breaker.shutdown() };
}

function opossumOpen(): Running {
  const breaker = new OpossumBreaker(task, { resetTimeout: NEVER_MS });
  breaker.open();
  return { ...rejected(() => breaker.fire()), teardown: () => breaker.shutdown() };
}

function cockatiel(breaker: IBreaker): Running {
  const policy = circuitBreaker(handleAll, { halfOpenAfter: 500, breaker });
  return awaited(() => policy.execute(task));
}

async function cockatielOpen(): Promise<Running> {
  const policy = circuitBreaker(handleAll, {
    halfOpenAfter: NEVER_MS,
    breaker: new ConsecutiveBreaker(1),
  });
  await policy.execute(() => Promise.reject(new Error('broken'))).catch(() => undefined);
  return rejected(() => policy.execute(task));
}

function mollitia(breaker: SlidingWindowBreaker): Running {
  const circuit = new Circuit({ options: { modules: [breaker] } });
  return awaited(() => circuit.fn(task).execute<number>());
}

const shared = {
  kind: 'operation',
  url: import.meta.url,
  checksum: (iterations: number) => iterations,
} as const;

const success: OperationSubject = {
  ...shared,
  name: 'breaker',
  title: 'Circuit breaker, success',
  operation: 'one call that succeeds goes through a closed breaker and is awaited',
  contenders: [
    awaitTask,
    { name: 'sluice, time window', kind: 'sluice', setup: () => sluice({}) },
    {
      name: 'sluice, count window',
      kind: 'sluice',
      setup: () => sluice({ slidingWindow: { type: 'count', size: 100 } }),
    },
    { name: 'opossum', kind: 'peer', setup: () => opossum({}) },
    { name: 'opossum, timeout off', kind: 'peer', setup: () => opossum({ timeout: false }) },
    {
      name: 'cockatiel, consecutive',
      kind: 'peer',
      setup: () => cockatiel(new ConsecutiveBreaker(5)),
    },
    {
      name: 'cockatiel, sampling',
      kind: 'peer',
      setup: () =>
        cockatiel(new SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: 2 })),
    },
    {
      name: 'mollitia, count',
      kind: 'peer',
      setup: () => mollitia(new SlidingCountBreaker({ slidingWindowSize: 100 })),
    },
    {
      name: 'mollitia, time',
      kind: 'peer',
      setup: () => mollitia(new SlidingTimeBreaker({ slidingWindowSize: 10_000 })),
    },
  ],
  limits: [
    { contender: 'sluice, count window', of: 'ratio', to: 'F: await the task', max: 1.9 },
    { contender: 'sluice, count window', of: 'bytes', max: 400 },
    { contender: 'sluice, count window', of: 'ratio', to: 'cockatiel, consecutive', max: 1 / 3 },
    { contender: 'sluice, count window', of: 'ratio', to: 'opossum, timeout off', max: 1 / 7 },
  ],
  notes: [
    'opossum times every call out after 10 s unless told otherwise; no other contender has a timeout.',
  ],
};

const open: OperationSubject = {
  ...shared,
  name: 'breaker-open',
  title: 'Circuit breaker, open',
  operation: 'one call is refused by an open breaker, and the refusal is caught',
  contenders: [
    awaitTask,
    { name: 'sluice execute', kind: 'sluice', setup: sluiceOpen },
    { name: 'sluice enter, no promise', kind: 'sluice', setup: sluiceOpenGate },
    { name: 'sluice enter, told the time', kind: 'sluice', setup: sluiceOpenAt },
    { name: 'opossum', kind: 'peer', setup: opossumOpen },
    { name: 'cockatiel, consecutive', kind: 'peer', setup: cockatielOpen },
  ],
  limits: [
    { contender: 'sluice execute', of: 'figure', max: 1400 },
    { contender: 'sluice enter, told the time', of: 'figure', max: 5 },
  ],
};

export const subjects: readonly Subject[] = [success, open];
