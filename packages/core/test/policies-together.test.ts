import { expect, onTestFinished, test, vi } from 'vitest';
import {
  CircuitBreaker,
  CircuitOpenError,
  Fallback,
  Hedge,
  pipeline,
  RateLimitedError,
  Retry,
  Timeout,
  TimeoutError,
  TokenBucket,
  WorkerPool,
  type ExecuteOptions,
  type TaskContext,
} from '../src/index.ts';
import { ManualClock, settlePromises } from '../src/testing/index.ts';

/** A service that answers nothing but errors while it is down, on a clock of its own. */
function setUp({ openMs = 500, maxAttempts = 5 } = {}) {
  const clock = new ManualClock();
  const retry = new Retry({ maxAttempts, backoff: { type: 'constant', delayMs: 1 }, clock });
  const breaker = new CircuitBreaker({ consecutiveFailures: 3, openMs, openJitter: 0, clock });
  const service = { isDown: true, asked: 0 };
  const ask = async (): Promise<string> => {
    service.asked++;
    if (service.isDown) throw new Error('down');
    return 'well';
  };
  return { clock, retry, breaker, service, ask, guarded: pipeline('guarded', [retry, breaker]) };
}

/** What a call has come to, and when. */
async function outcomeOf(call: Promise<unknown>, clock: ManualClock, withinMs = 5000) {
  const outcome = { value: undefined as unknown, atMs: Infinity };
  const settled = (value: unknown): void =>
    void Object.assign(outcome, { value, atMs: clock.nowMs() });
  call.then(settled, settled);
  await clock.run(withinMs);
  return outcome;
}

test('a breaker within a retry sees each try, and ends the tries of the call that opened it', async () => {
  const { clock, guarded, breaker, service, ask } = setUp();
  const { value, atMs } = await outcomeOf(guarded.execute(ask, { deadlineMs: 400 }), clock);
  expect(breaker.stats()).toMatchObject({ failed: 3, notPermitted: 1 });
  expect(service.asked).toBe(3);
  // It would have to come back 100 ms after its deadline, so it does not wait for that.
  expect(value).toBeInstanceOf(CircuitOpenError);
  expect(atMs).toBe(2 + 1);
});

test('while the breaker is open a hundred calls through a retry ask nothing of the service', async () => {
  const { clock, guarded, service, ask } = setUp();
  await outcomeOf(guarded.execute(ask, { deadlineMs: 100 }), clock, 10);
  service.asked = 0;
  const calls = Array.from({ length: 100 }, () => guarded.execute(ask, { deadlineMs: 100 }));
  const outcomes = await Promise.all(calls.map((call) => outcomeOf(call, clock, 0)));
  expect(outcomes.filter(({ value }) => value instanceof CircuitOpenError)).toHaveLength(100);
  expect(service.asked).toBe(0);
});

test('a retry with time enough comes back when the breaker lets it in, and not before', async () => {
  const { clock, guarded, service, ask, breaker } = setUp();
  const call = outcomeOf(guarded.execute(ask), clock);
  await settlePromises();
  clock.schedule(100, () => {
    service.isDown = false;
  });
  const { value, atMs } = await call;
  expect(value).toBe('well');
  // Opened by the third try at 2 ms, for 500 ms.
  expect(atMs).toBe(502);
  expect(service.asked).toBe(4);
  expect(breaker.stats()).toMatchObject({ state: 'half-open', succeeded: 1, notPermitted: 1 });
});

test('an outage that goes on costs no more tries than the probes of the breaker', async () => {
  const { clock, guarded, service, ask } = setUp({ openMs: 1000 });
  for (let call = 0; call < 600; call++) {
    guarded.execute(ask, { deadlineMs: 200 }).catch(() => undefined);
    await clock.run(10);
  }
  // Three that open it; then probes after 1, 2 and 4 seconds, at most three at once.
  expect(service.asked).toBeLessThanOrEqual(3 + 3 * 3);
});

test('a retry comes back when a limiter further in has said, and is let in then', async () => {
  const { clock, retry } = setUp({ maxAttempts: 2 });
  const limiter = new TokenBucket({ ratePerSecond: 0.3, capacity: 1, clock });
  const limited = pipeline('limited', [retry, limiter]);
  await expect(limited.execute(() => 'first')).resolves.toBe('first');
  const { value, atMs } = await outcomeOf(
    limited.execute(() => 'second'),
    clock,
  );
  expect(value).toBe('second');
  expect(atMs).toBeCloseTo(10_000 / 3, 6);
  expect(limiter.stats()).toMatchObject({ allowed: 2, rejected: 1 });

  const tooLate = await outcomeOf(
    limited.execute(() => 'third', { deadlineMs: 50 }),
    clock,
    0,
  );
  expect(tooLate.value).toBeInstanceOf(RateLimitedError);
});

function hedged(clock: ManualClock) {
  const hedge = new Hedge({ delayMs: 10, clock });
  const breaker = new CircuitBreaker({ clock });
  const pool = new WorkerPool({ size: 4, clock });
  const firstHangs = ({ attempt, signal }: TaskContext): Promise<string> =>
    new Promise((resolve, reject) => {
      if (attempt > 1) clock.schedule(5, () => resolve(`try ${attempt}`));
      else signal.addEventListener('abort', () => reject(new Error('ended')));
    });
  return { hedge, breaker, pool, firstHangs };
}

test('a hedge around breaker and pool takes a place for each try; the loser counts as nothing', async () => {
  const clock = new ManualClock();
  const { hedge, breaker, pool, firstHangs } = hedged(clock);
  const call = pipeline('reads', [hedge, breaker, pool]).execute(firstHangs);
  await clock.run(12);
  expect(pool.stats().active).toBe(2);
  await expect(outcomeOf(call, clock)).resolves.toMatchObject({ value: 'try 2' });
  expect(breaker.stats()).toMatchObject({ permitted: 2, succeeded: 1, failed: 0, ignored: 1 });
  expect(pool.stats()).toMatchObject({ active: 0, completed: 1, aborted: 1 });
  expect(clock.pending).toBe(0);
});

test('a hedge within breaker and pool is one call to them', async () => {
  const clock = new ManualClock();
  const { hedge, breaker, pool, firstHangs } = hedged(clock);
  const call = pipeline('reads', [breaker, pool, hedge]).execute(firstHangs);
  await clock.run(12);
  expect(pool.stats().active).toBe(1);
  await expect(outcomeOf(call, clock)).resolves.toMatchObject({ value: 'try 2' });
  expect(breaker.stats()).toMatchObject({ permitted: 1, succeeded: 1, ignored: 0 });
});

test('a retry around a hedge tries again when all tries side by side have failed', async () => {
  const { clock, retry } = setUp({ maxAttempts: 2 });
  const { hedge, pool } = hedged(clock);
  const emitted = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined);
  const row = pipeline('both', [retry, hedge, pool]);
  expect(row.advice.map(({ code }) => code)).toEqual(['retry-around-retry']);
  emitted.mockRestore();
  const attempts: number[] = [];
  const call = row.execute(({ attempt }) => {
    attempts.push(attempt);
    if (attempts.length > 2) return 'at last';
    return new Promise<string>((_, reject) => clock.schedule(30, () => reject(new Error('slow'))));
  });
  await expect(outcomeOf(call, clock)).resolves.toMatchObject({ value: 'at last', atMs: 41 });
  expect(attempts).toEqual([1, 2, 2]);
});

/** Every kind of policy, outermost first as the docs have it. */
function wholeRow(clock: ManualClock, attemptTimeoutMs?: number) {
  return pipeline(
    'whole',
    [
      new Fallback({ on: CircuitOpenError, value: 'closed', clock }),
      new Timeout({ timeoutMs: 1000, clock }),
      new Retry({ attemptTimeoutMs, backoff: { type: 'constant', delayMs: 50 }, clock }),
      new Hedge({ delayMs: 900, clock, name: 'hedge' }),
      new TokenBucket({ ratePerSecond: 1000, clock }),
      new CircuitBreaker({ minimumCalls: 1000, clock }),
      new WorkerPool({ clock }),
    ],
    { accept: ['retry-around-retry'] },
  );
}

test('the context reaches the task through every policy, with what is left of the time', async () => {
  const clock = new ManualClock();
  const seen: object[] = [];
  const call = wholeRow(clock, 400).execute(
    ({ attempt, priority, key, deadlineMs }) => {
      seen.push({ attempt, priority, key, deadlineMs });
      return new Promise<string>((resolve, reject) => {
        clock.schedule(100, () => (seen.length < 3 ? reject(new Error('x')) : resolve('done')));
      });
    },
    { priority: 3, key: 'acme', deadlineMs: 600 },
  );
  await expect(outcomeOf(call, clock)).resolves.toEqual({ value: 'done', atMs: 400 });
  const common = { priority: 3, key: 'acme' };
  expect(seen).toEqual([
    { attempt: 1, ...common, deadlineMs: 400 },
    { attempt: 2, ...common, deadlineMs: 400 },
    { attempt: 3, ...common, deadlineMs: 300 },
  ]);
});

/** Counts the controllers that are made from now to the end of the test. */
function countControllers(): { made: number } {
  const count = { made: 0 };
  class Counted extends AbortController {
    constructor() {
      super();
      count.made++;
    }
  }
  vi.stubGlobal('AbortController', Counted);
  onTestFinished(() => void vi.unstubAllGlobals());
  return count;
}

test('no AbortController is made on the way, but the one of a task that reads its signal', async () => {
  const clock = new ManualClock();
  const row = wholeRow(clock, 400);
  const { signal } = new AbortController();
  const controllers = countControllers();
  const options = [undefined, { signal }, { deadlineMs: 500 }, { signal, deadlineMs: 500 }];
  for (const each of options) {
    await expect(row.execute(async () => 'fast', each)).resolves.toBe('fast');
    let tries = 0;
    const failing = row.execute(() => Promise.reject(new Error(`${++tries}`)), each);
    expect((await outcomeOf(failing, clock, 200)).value).toMatchObject({ message: '3' });
    const hanging = row.execute(() => new Promise(() => undefined), { ...each, deadlineMs: 100 });
    expect((await outcomeOf(hanging, clock, 200)).value).toBeInstanceOf(TimeoutError);
  }
  expect(controllers.made).toBe(0);
  await expect(row.execute(async (context) => context.signal.aborted)).resolves.toBe(false);
  expect(controllers.made).toBe(1);
});

test('an error shows who awaited the call, through every policy, at once, later and in the last try', async () => {
  const clock = new ManualClock();
  const row = wholeRow(clock, 400);
  async function failingTask(): Promise<string> {
    await Promise.resolve(); // From here on, no caller is on the real stack.
    throw new Error('boom');
  }
  async function placeOrder(options?: ExecuteOptions): Promise<void> {
    await row.execute(failingTask, options);
  }
  const { signal } = new AbortController();
  for (const options of [undefined, { signal }, { deadlineMs: 900 }, { priority: 1 }]) {
    const { value } = await outcomeOf(placeOrder(options), clock);
    expect((value as Error).stack).toMatch(/at failingTask[^]*at (async )?placeOrder/);
  }
});
