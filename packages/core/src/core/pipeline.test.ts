import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { CircuitBreaker } from '../circuit-breaker/index.ts';
import { Fallback } from '../fallback/index.ts';
import { TokenBucket } from '../rate-limiter/index.ts';
import { ManualClock, settlePromises } from '../testing/index.ts';
import type { ExecuteOptions, Task, TaskContext } from './call-context.ts';
import {
  CircuitOpenError,
  DeadlineExceededError,
  InvalidOptionsError,
  RateLimitedError,
} from './errors.ts';
import { Pipeline, pipeline, wrap } from './pipeline.ts';
import type { Policy } from './policy.ts';

/** A policy that is no gate: does something around the task, and hands the context on. */
class Around implements Policy {
  readonly name: string;
  readonly diary: string[];
  readonly contexts: (ExecuteOptions | undefined)[] = [];
  readonly #before: () => Promise<void>;

  constructor(name: string, diary: string[], before: () => Promise<void> = async () => undefined) {
    this.name = name;
    this.diary = diary;
    this.#before = before;
  }

  async execute<T>(task: Task<T>, options?: ExecuteOptions): Promise<T> {
    this.contexts.push(options);
    this.diary.push(`${this.name} before`);
    await this.#before();
    try {
      return await task(options as TaskContext);
    } finally {
      this.diary.push(`${this.name} after`);
    }
  }

  stats(): { calls: number } {
    return { calls: this.contexts.length };
  }
}

function setUp() {
  const clock = new ManualClock();
  const diary: string[] = [];
  const bucket = new TokenBucket({ ratePerSecond: 1, capacity: 3, clock });
  const breaker = new CircuitBreaker({ consecutiveFailures: 2, clock });
  return { clock, diary, bucket, breaker };
}

const bare = (): Policy[] => [new TokenBucket({ ratePerSecond: 1 })];

test('a pipeline runs its task through every policy, outermost first', async () => {
  const { clock, diary, bucket, breaker } = setUp();
  const orders = pipeline('orders', [
    bucket,
    new Around('outer', diary),
    breaker,
    new Around('inner', diary),
    new TokenBucket({ name: 'last', ratePerSecond: 1, clock }),
  ]);
  const answer = await orders.execute(async () => {
    diary.push('task');
    return 'done';
  });
  expect(answer).toBe('done');
  expect(diary).toEqual(['outer before', 'inner before', 'task', 'inner after', 'outer after']);
  expect(bucket.stats()).toMatchObject({ allowed: 1, available: 2 });
  expect(breaker.stats()).toMatchObject({ succeeded: 1 });
});

test('a refusal further in is no failure of what is behind, and comes out as it is', async () => {
  const { clock, diary, bucket, breaker } = setUp();
  const fused = pipeline('fused', [breaker, bucket]);
  const split = pipeline('split', [breaker, new Around('middle', diary), bucket]);
  for (let call = 0; call < 3; call++) await fused.execute(() => call);
  for (const orders of [fused, split, fused, split]) {
    const call = orders.execute(() => 'never');
    await expect(call).rejects.toThrow(RateLimitedError);
    await expect(call).rejects.toMatchObject({ policy: 'token-bucket', retryAfterMs: 1000 });
  }
  expect(breaker.stats()).toMatchObject({ state: 'closed', succeeded: 3, failed: 0, ignored: 4 });
  expect(clock.nowMs()).toBe(0);
});

test('a refusal further out leaves what is further in alone', async () => {
  const { bucket, breaker } = setUp();
  const orders = pipeline('orders', [breaker, bucket]);
  for (let call = 0; call < 2; call++) {
    await orders.execute(() => Promise.reject(new Error('boom'))).catch(() => undefined);
  }
  await expect(orders.execute(() => 1)).rejects.toThrow(CircuitOpenError);
  expect(bucket.stats()).toMatchObject({ allowed: 2, rejected: 0, available: 1 });
});

test('the context handed on by a policy in the middle carries abort and deadline to the task', async () => {
  const { clock, diary, bucket, breaker } = setUp();
  const slow = new Around('slow', diary, () => {
    return new Promise((resolve) => clock.schedule(60, resolve));
  });
  const orders = pipeline('orders', [bucket, slow, breaker]);
  const controller = new AbortController();
  const { signal } = controller;
  const seen: { leftMs?: number; key?: string | undefined; reason?: unknown } = {};
  const call = orders.execute(
    (context) => {
      seen.leftMs = context.deadlineMs;
      seen.key = context.key;
      context.signal.addEventListener('abort', () => {
        seen.reason = context.signal.reason;
      });
      return new Promise<never>(() => undefined);
    },
    { signal, deadlineMs: 100, key: 'acme' },
  );
  await clock.run(70);
  controller.abort('gone');
  await expect(call).rejects.toBe('gone');
  await settlePromises();
  expect(seen).toEqual({ leftMs: 40, key: 'acme', reason: 'gone' });
  expect(diary).toEqual(['slow before', 'slow after']);
  expect(breaker.stats()).toMatchObject({ ignored: 1, failed: 0 });
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test('a deadline that passes in a policy in the middle keeps the work from beginning', async () => {
  const { clock, diary, bucket, breaker } = setUp();
  const slow = new Around('slow', diary, () => {
    return new Promise((resolve) => clock.schedule(60, resolve));
  });
  let begun = false;
  const call = pipeline('orders', [bucket, slow, breaker]).execute(
    () => {
      begun = true;
    },
    { deadlineMs: 50 },
  );
  await Promise.all([expect(call).rejects.toThrow(DeadlineExceededError), clock.run(100)]);
  expect(begun).toBe(false);
  expect(breaker.stats()).toMatchObject({ succeeded: 0, failed: 0, ignored: 0 });
});

test('a pipeline is a policy: it can stand in another pipeline', async () => {
  const { diary, bucket, breaker } = setUp();
  const inner = pipeline('inner', [breaker, new Around('around', diary)]);
  const outer = pipeline('outer', [bucket, inner]);
  await expect(outer.execute(async ({ priority }) => priority, { priority: 4 })).resolves.toBe(4);
  await expect(outer.execute(async ({ key }) => key, { key: 'acme' })).resolves.toBe('acme');
  const { signal } = new AbortController();
  await expect(outer.execute(async () => 'x', { signal })).resolves.toBe('x');
  expect(outer.stats()).toMatchObject({
    'token-bucket': { allowed: 3 },
    inner: { 'circuit-breaker': { succeeded: 3 }, around: { calls: 3 } },
  });
});

test('a pipeline never throws: what a task throws at once comes as a rejection', async () => {
  const { diary, bucket, breaker } = setUp();
  const policies = [[bucket], [new Around('around', diary), breaker], [breaker, bucket]];
  for (const row of policies) {
    const call = pipeline('orders', row).execute(() => {
      throw new Error('boom');
    });
    await expect(call).rejects.toThrow('boom');
  }
  expect(breaker.stats()).toMatchObject({ failed: 2 });
});

test('a wrapped function keeps its arguments and its result, and goes through the policies', async () => {
  const { bucket } = setUp();
  const add = pipeline('sums', [bucket]).wrap(async (a: number, b: number) => a + b);
  await expect(Promise.all([add(1, 2), add(3, 4), add(5, 6)])).resolves.toEqual([3, 7, 11]);
  await expect(add(7, 8)).rejects.toThrow(RateLimitedError);
});

test("the stats of a pipeline are those of its policies by name, '__proto__' included", () => {
  const { clock, bucket } = setUp();
  const odd = new TokenBucket({ name: '__proto__', ratePerSecond: 1, clock });
  const stats = pipeline('orders', [bucket, odd]).stats();
  expect(Object.keys(stats)).toEqual(['token-bucket', '__proto__']);
});

test('a pipeline keeps the policies that it was given, in an array of its own', () => {
  const { bucket, breaker } = setUp();
  const given: Policy[] = [bucket];
  const orders = new Pipeline('orders', given);
  given.push(breaker);
  expect(orders.policies).toEqual([bucket]);
  expect(Object.isFrozen(orders.policies)).toBe(true);
});

test('a pipeline without policies, with names twice, or with two clocks is refused', () => {
  const [clock, other] = [new ManualClock(), new ManualClock()];
  const bucket = (name: string, ofClock: ManualClock): TokenBucket =>
    new TokenBucket({ name, ratePerSecond: 1, clock: ofClock });
  expect(() => pipeline('orders', [])).toThrow(
    'pipeline orders: policies must be at least one policy, got none',
  );
  expect(() => pipeline('orders', [bucket('a', clock), bucket('a', other)])).toThrow(
    'pipeline orders: policies must be policies with names of their own, got "a" twice; policies must be gates that share one clock, got 2 clocks',
  );
  expect(() => pipeline('orders', [])).toThrow(InvalidOptionsError);
  expect(pipeline('orders', bare())).toBeInstanceOf(Pipeline);
});

test('an error thrown in a task shows who awaited the pipeline', async () => {
  const { diary, bucket, breaker } = setUp();
  const orders = pipeline('orders', [bucket, new Around('around', diary), breaker]);
  async function failingTask(): Promise<void> {
    await Promise.resolve(); // From here on, no caller is on the real stack.
    throw new Error('boom');
  }
  async function placeOrder(options?: ExecuteOptions): Promise<void> {
    await orders.execute(failingTask, options);
  }
  for (const options of [undefined, { signal: new AbortController().signal }]) {
    const error = (await placeOrder(options).catch((thrown: unknown) => thrown)) as Error;
    expect(error.stack).toMatch(/at failingTask[^]*at (async )?placeOrder/);
  }
});

test('what is no policy is refused by what it is', () => {
  expect(() => pipeline('orders', [null as never])).toThrow(
    'pipeline orders: policies must be policies (objects with execute), got null',
  );
});

test('a pipeline in a pipeline counts as its policies when the row is checked', () => {
  const { breaker } = setUp();
  const inner = pipeline('inner', [breaker]);
  expect(() => pipeline('twice', [breaker, inner])).toThrow('policies with names of their own');
});

test('a function wrapped in a policy keeps its arguments, its this and its type', async () => {
  class Shop {
    readonly city = 'Bonn';
    readonly order: (id: number) => Promise<string>;
    constructor(breaker: Policy) {
      this.order = wrap(async function order(this: Shop, id: number) {
        return `${id} from ${this.city}`;
      }, breaker);
    }
  }
  const { breaker } = setUp();
  const answer: string = await new Shop(breaker).order(7);
  expect(answer).toBe('7 from Bonn');
  expect(breaker.stats().succeeded).toBe(1);
});

test('what a fallback in the row may answer is part of the type of the answer', async () => {
  const { clock, breaker } = setUp();
  const none = new Fallback({ value: null, clock });
  const guarded = pipeline('guarded', [none, breaker]);
  const answer: string | null = await guarded.execute(() => Promise.reject<string>(new Error('x')));
  expect(answer).toBeNull();
  // @ts-expect-error A pipeline with a fallback does not always answer what the task does.
  const sure: string = await guarded.execute(async () => 'sure');
  expect(sure).toBe('sure');
  const wrapped: () => Promise<string | null> = wrap(async () => 'wrapped', guarded);
  expect(await wrapped()).toBe('wrapped');
  const nested: string | null = await pipeline('n', [guarded]).execute(async () => 'nested');
  expect(nested).toBe('nested');
});
