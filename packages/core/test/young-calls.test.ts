import { setFlagsFromString, getHeapSpaceStatistics } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, expect, test } from 'vitest';
import {
  CallContext,
  CircuitBreaker,
  ConnectionPool,
  Fallback,
  Hedge,
  pipeline,
  Retry,
  systemClock,
  Timeout,
  TokenBucket,
  WorkerPool,
  type ExecuteOptions,
  type Task,
} from '../src/index.ts';

/** Each call holds so many bytes, so that one that stays is seen. */
const HELD_BYTES = 16 * 1024;
const ROUNDS = 50;
const AT_ONCE = 20;

let collectYoung: () => void;

beforeAll(() => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void;
  collectYoung = () => collect({ type: 'minor' });
});

type Execute = (task: Task<number>, options?: ExecuteOptions) => Promise<number>;

const pool = new WorkerPool({ size: AT_ONCE });
const busy = new WorkerPool({ size: 2, queue: AT_ONCE });
const breaker = new CircuitBreaker();
const limiter = new TokenBucket({ capacity: 1e6, ratePerSecond: 1e6 });
const gates = pipeline('gates', [limiter, breaker, pool]);
const managed = new Timeout({ timeoutMs: 60_000 });
const retry = new Retry();
const hedge = new Hedge({ delayMs: 1000 });
const fallback = new Fallback({ value: 0 });
const connections = new ConnectionPool({ create: () => ({}), destroy: () => undefined, max: 2 });

/** In ways that let a call be ended early, so that something is remembered of it while it runs. */
const ways: readonly (readonly [string, Execute])[] = [
  ['a worker pool', (task, options) => pool.execute(task, options)],
  ['the queue of a worker pool', (task, options) => busy.execute(task, options)],
  ['a circuit breaker', (task, options) => breaker.execute(task, options)],
  ['a pipeline of gates', (task, options) => gates.execute(task, options)],
  ['a timeout', (task, options) => managed.execute(task, options)],
  ['a retry', (task, options) => retry.execute(task, options)],
  ['a hedge', (task, options) => hedge.execute(task, options)],
  ['a fallback', (task, options) => fallback.execute(task, options)],
  [
    'the waiting line of a connection pool',
    (task, options = {}) => connections.use(() => task(options as CallContext), options),
  ],
];

const givenAs: readonly (readonly [string, () => ExecuteOptions])[] = [
  ['a deadline', () => ({ deadlineMs: 60_000 })],
  ['a signal', () => ({ signal: new AbortController().signal })],
  ['the context of a call', () => new CallContext(systemClock, { deadlineMs: 60_000 })],
];

async function call(execute: Execute, options: ExecuteOptions): Promise<number> {
  const held = new Array<number>(HELD_BYTES / 8).fill(0.5);
  return execute(async () => {
    await new Promise(setImmediate);
    return held.length;
  }, options);
}

function oldBytes(): number {
  const old = getHeapSpaceStatistics().filter(({ space_name }) => /^old|large/.test(space_name));
  return old.reduce((sum, { space_used_size }) => sum + space_used_size, 0);
}

async function run(execute: Execute, options: () => ExecuteOptions): Promise<number> {
  for (let round = 0; round < ROUNDS / 2; round++) await calls(execute, options);
  const before = oldBytes();
  for (let round = 0; round < ROUNDS; round++) await calls(execute, options);
  return (oldBytes() - before) / (ROUNDS * AT_ONCE);
}

async function calls(execute: Execute, options: () => ExecuteOptions): Promise<void> {
  await Promise.all(Array.from({ length: AT_ONCE }, () => call(execute, options())));
  collectYoung();
}

const cases = ways.flatMap(([way, execute]) =>
  givenAs.map(([how, options]) => ({ way, how, execute, options })),
);

test.each(cases)(
  'a collection of the young generation frees the calls through $way that had $how',
  async ({ execute, options }) => {
    expect(await run(execute, options)).toBeLessThan(HELD_BYTES / 10);
  },
);
