import { afterEach, expect, test, vi } from 'vitest';
import { CircuitOpenError, RateLimitedError, ShedError, TimeoutError } from '../core/index.ts';
import { ManualClock, SeededRandom, settlePromises } from '../testing/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { CircuitState, StateChange } from './states.ts';
import type { CircuitBreakerOptions } from './options.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

function setUp(options: Omit<CircuitBreakerOptions, 'clock'> = {}) {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker({ openJitter: 0, ...options, clock });
  const changes: StateChange[] = [];
  breaker.on('stateChange', (change) => changes.push(change));
  return { clock, breaker, changes };
}

const boom = (): Promise<never> => Promise.reject(new Error('boom'));

async function fail(breaker: CircuitBreaker, times = 1): Promise<void> {
  for (let call = 0; call < times; call++) await breaker.execute(boom).catch(() => undefined);
}

async function succeed(breaker: CircuitBreaker, times = 1): Promise<void> {
  for (let call = 0; call < times; call++) await breaker.execute(async () => 'ok');
}

test('ten calls of 50 ms run side by side, and are done after 50 ms', async () => {
  const { clock, breaker } = setUp();
  const call = (): Promise<number> =>
    breaker.execute(
      () => new Promise((resolve) => clock.schedule(50, () => resolve(clock.nowMs()))),
    );
  const calls = Promise.all(Array.from({ length: 10 }, call));
  await clock.run(50);
  await expect(calls).resolves.toEqual(Array.from({ length: 10 }, () => 50));
  expect(breaker.stats()).toMatchObject({ succeeded: 10 });
});

test('a call that succeeded is reported as a success, even when it is the one that opens the breaker', async () => {
  const { breaker } = setUp({ minimumCalls: 4, failureRateThreshold: 0.75 });
  await fail(breaker, 3);
  await expect(breaker.execute(async () => 'my answer')).resolves.toBe('my answer');
  expect(breaker.state).toBe('open');
});

test('a success that opens a breaker whose window counts calls is timed all the same', async () => {
  const { clock, breaker, changes } = setUp({
    slidingWindow: { type: 'count', size: 4 },
    minimumCalls: 4,
    failureRateThreshold: 0.75,
  });
  await fail(breaker, 3);
  clock.advance(77);
  await succeed(breaker);
  expect(changes).toEqual([{ from: 'closed', to: 'open', reason: 'failure-rate', atMs: 77 }]);
  expect(breaker.stats().retryAfterMs).toBe(500);
});

test('the failure rate is compared exactly: the very share of the threshold opens', () => {
  for (let percent = 1; percent <= 100; percent++) {
    const threshold = Number((percent / 100).toFixed(2));
    const { breaker } = setUp({
      failureRateThreshold: threshold,
      minimumCalls: 100,
      slidingWindow: { type: 'count', size: 100 },
    });
    const finish = (failures: number): CircuitState => {
      breaker.reset();
      for (let call = 0; call < 100; call++) {
        breaker.exit(breaker.enter(0), call < failures ? 'failure' : 'success', 0);
      }
      return breaker.state;
    };
    expect(finish(percent - 1), `${percent - 1} % of ${threshold}`).toBe('closed');
    expect(finish(percent), `${percent} % of ${threshold}`).toBe('open');
  }
});

test('refusals from further in and callers who give up count for nothing', async () => {
  const { breaker } = setUp({ consecutiveFailures: 1, minimumCalls: 1 });
  const refusals = [new RateLimitedError('public', 'no', 5), new ShedError('edge', 'no')];
  for (const refusal of refusals) {
    await expect(breaker.execute(() => Promise.reject(refusal))).rejects.toBe(refusal);
  }
  const controller = new AbortController();
  const call = breaker.execute(() => new Promise(() => undefined), { signal: controller.signal });
  controller.abort('gone');
  await expect(call).rejects.toBe('gone');
  expect(breaker.stats()).toMatchObject({
    state: 'closed',
    ignored: 3,
    failed: 0,
    windowCalls: 0,
    consecutiveFailures: 0,
  });
});

test('an ignored call neither adds to the failures in a row nor ends their row', async () => {
  const { breaker } = setUp({ consecutiveFailures: 2 });
  await fail(breaker);
  await breaker.execute(() => Promise.reject(new ShedError('edge', 'no'))).catch(() => undefined);
  expect(breaker.state).toBe('closed');
  await fail(breaker);
  expect(breaker.state).toBe('open');
});

test('a timeout counts as a failure', async () => {
  const { breaker } = setUp({ consecutiveFailures: 1 });
  await breaker
    .execute(() => Promise.reject(new TimeoutError('db', 'slow', { timeoutMs: 50 })))
    .catch(() => undefined);
  expect(breaker.state).toBe('open');
});

test('classify judges by error and value', async () => {
  const { breaker } = setUp({
    consecutiveFailures: 2,
    classify: (error, value, standard) => {
      if (error instanceof RangeError) return 'ignored';
      return (value as { status: number } | undefined)?.status === 503 ? 'failure' : standard;
    },
  });
  const answer = { status: 503 };
  await expect(breaker.execute(async () => answer)).resolves.toBe(answer);
  await breaker.execute(() => Promise.reject(new RangeError('mine'))).catch(() => undefined);
  expect(breaker.stats()).toMatchObject({ failed: 1, ignored: 1, succeeded: 0 });
  await expect(breaker.execute(() => answer)).resolves.toBe(answer);
  expect(breaker.state).toBe('open');
});

test('an open breaker refuses with its name, its state and the time to come back', async () => {
  const { clock, breaker } = setUp({ name: 'inventory', consecutiveFailures: 1 });
  await fail(breaker);
  clock.advance(120);
  const task = vi.fn<() => void>();
  const refused = breaker.execute(task);
  await expect(refused).rejects.toThrow(CircuitOpenError);
  await expect(refused).rejects.toMatchObject({
    message: 'inventory: the circuit is open, what it protects has been failing',
    policy: 'inventory',
    code: 'SLUICE_CIRCUIT_OPEN',
    retryAfterMs: 380,
  });
  expect(task).not.toHaveBeenCalled();
  expect(breaker.stats()).toMatchObject({ notPermitted: 1, retryAfterMs: 380 });
});

test('a half-open breaker with all its probes under way refuses, and cannot tell for how long', async () => {
  const { clock, breaker } = setUp({ consecutiveFailures: 1, permittedCallsInHalfOpen: 1 });
  await fail(breaker);
  clock.advance(500);
  void breaker.execute(() => new Promise<never>(() => undefined));
  await expect(breaker.execute(boom)).rejects.toMatchObject({
    message: 'circuit-breaker: the circuit is half-open, its probes are under way',
    retryAfterMs: undefined,
  });
});

test('peek tells what enter would answer, and neither takes a probe nor counts a refusal', async () => {
  const { clock, breaker } = setUp({ consecutiveFailures: 1, permittedCallsInHalfOpen: 1 });
  expect(breaker.peek(0)).toBe(0);
  await fail(breaker);
  expect(breaker.peek(0)).toBe(500);
  clock.advance(500);
  expect([breaker.peek(500), breaker.peek(500)]).toEqual([0, 0]);
  breaker.enter(500);
  expect(breaker.peek(500)).toBe(Infinity);
  expect(breaker.stats().notPermitted).toBe(0);
});

test('results that come in after the state has changed count nothing', async () => {
  const { clock, breaker, changes } = setUp({ consecutiveFailures: 2 });
  const early = Array.from({ length: 5 }, () => breaker.enter(0));
  await fail(breaker, 2);
  expect(breaker.state).toBe('open');
  breaker.exit(early[0] as number, 'success', 10);
  clock.advance(500);
  expect(breaker.state).toBe('half-open');
  for (const ticket of early.slice(1, 3)) breaker.exit(ticket, 'failure', 500);
  expect(breaker.state).toBe('half-open');
  await succeed(breaker, 3);
  expect(breaker.state).toBe('closed');
  for (const ticket of early.slice(3)) breaker.exit(ticket, 'failure', 500);
  expect(breaker.stats()).toMatchObject({ state: 'closed', windowCalls: 0, failed: 6 });
  expect(changes).toHaveLength(3);
});

test('a closed breaker that counts calls reads no clock while they go well', async () => {
  const { clock, breaker } = setUp({ slidingWindow: { type: 'count', size: 10 } });
  const read = vi.spyOn(clock, 'nowMs');
  await succeed(breaker, 20);
  expect(read).not.toHaveBeenCalled();
  expect(breaker.timed).toBe(false);
});

test('a breaker starts no timer, whatever its state', async () => {
  const { clock, breaker } = setUp({ consecutiveFailures: 1 });
  await succeed(breaker);
  await fail(breaker);
  clock.advance(500);
  void breaker.execute(() => new Promise<never>(() => undefined));
  await settlePromises();
  expect(breaker.state).toBe('half-open');
  expect(clock.pending).toBe(0);
});

test('the counts since the start survive every change of state', async () => {
  const { clock, breaker } = setUp({ consecutiveFailures: 2 });
  await succeed(breaker, 5);
  await fail(breaker, 2);
  await fail(breaker, 3);
  clock.advance(500);
  await succeed(breaker, 3);
  breaker.reset();
  expect(breaker.stats()).toEqual({
    state: 'closed',
    failureRate: 0,
    windowCalls: 0,
    slowCallRate: 0,
    windowFailures: 0,
    windowSlowCalls: 0,
    consecutiveFailures: 0,
    retryAfterMs: 0,
    permitted: 10,
    succeeded: 8,
    failed: 2,
    ignored: 0,
    lost: 0,
    notPermitted: 3,
  });
});

test('the same seed gives the same open times', async () => {
  const openTimes = async (): Promise<number[]> => {
    const { breaker } = setUp({
      consecutiveFailures: 1,
      openJitter: 1,
      random: new SeededRandom(7),
    });
    const times: number[] = [];
    for (let round = 0; round < 10; round++) {
      await fail(breaker);
      times.push(breaker.stats().retryAfterMs);
      breaker.reset();
    }
    return times;
  };
  const times = await openTimes();
  expect(new Set(times).size).toBe(10);
  await expect(openTimes()).resolves.toEqual(times);
});
