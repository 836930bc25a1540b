import { afterEach, expect, test, vi } from 'vitest';
import { CircuitOpenError } from '../core/index.ts';
import { ManualClock } from '../testing/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { StateChange } from './states.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

function setUp() {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker({ consecutiveFailures: 1, openJitter: 0, clock });
  const changes: StateChange[] = [];
  breaker.on('stateChange', (change) => changes.push(change));
  return { clock, breaker, changes };
}

const fail = (breaker: CircuitBreaker): Promise<unknown> =>
  breaker.execute(() => Promise.reject(new Error('boom'))).catch(() => undefined);

test('a change of state is told with where from, where to, why and when', async () => {
  const { clock, breaker, changes } = setUp();
  clock.advance(40);
  await fail(breaker);
  clock.advance(500);
  await fail(breaker);
  expect(changes).toEqual([
    { from: 'closed', to: 'open', reason: 'consecutive-failures', atMs: 40 },
    { from: 'open', to: 'half-open', reason: 'open-time-over', atMs: 540 },
    { from: 'half-open', to: 'open', reason: 'probe-failed', atMs: 540 },
  ]);
});

test('a reset of a closed breaker is no change of state', () => {
  const { breaker, changes } = setUp();
  breaker.reset();
  expect(changes).toEqual([]);
});

test('a listener is told until it is removed', async () => {
  const { breaker } = setUp();
  const listener = vi.fn<(change: StateChange) => void>();
  const remove = breaker.on('stateChange', listener);
  await fail(breaker);
  remove();
  breaker.reset();
  expect(listener).toHaveBeenCalledTimes(1);
});

test('a listener that throws neither changes the outcome of the call nor stops the breaker', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const { clock, breaker } = setUp();
  const mistake = new Error('mine');
  breaker.on('stateChange', () => {
    throw mistake;
  });
  await expect(breaker.execute(() => Promise.reject(new Error('boom')))).rejects.toThrow('boom');
  await expect(breaker.execute(() => 1)).rejects.toThrow(CircuitOpenError);
  clock.advance(500);
  await expect(breaker.execute(() => 1)).resolves.toBe(1);
  expect(warned.mock.calls).toEqual([[mistake], [mistake]]);
});

test('a listener that reads the breaker sees the new state, whole', async () => {
  const { clock, breaker } = setUp();
  const seen: unknown[] = [];
  breaker.on('stateChange', () => {
    const { state, retryAfterMs } = breaker.stats();
    seen.push([breaker.state, state, retryAfterMs]);
  });
  await fail(breaker);
  clock.advance(500);
  for (let probe = 0; probe < 3; probe++) await breaker.execute(() => 1);
  expect(seen).toEqual([
    ['open', 'open', 500],
    ['half-open', 'half-open', 0],
    ['closed', 'closed', 0],
  ]);
});

test('a listener that resets an opening breaker keeps it closed', async () => {
  const { breaker, changes } = setUp();
  breaker.on('stateChange', ({ to }) => {
    if (to === 'open') breaker.reset();
  });
  for (let call = 0; call < 3; call++) await fail(breaker);
  expect(breaker.state).toBe('closed');
  expect(changes.filter(({ to }) => to === 'open')).toHaveLength(3);
  expect(breaker.stats()).toMatchObject({ failed: 3, notPermitted: 0 });
});

test('a listener that resets a breaker whose open time is over lets the asking call in', async () => {
  const { clock, breaker } = setUp();
  breaker.on('stateChange', ({ to }) => {
    if (to === 'half-open') breaker.reset();
  });
  await fail(breaker);
  clock.advance(500);
  await expect(breaker.execute(() => 'in')).resolves.toBe('in');
  expect(breaker.stats()).toMatchObject({ state: 'closed', windowCalls: 1, notPermitted: 0 });
});

test('a listener that resets at every change does not go round in circles', async () => {
  const { breaker, changes } = setUp();
  breaker.on('stateChange', () => breaker.reset());
  await fail(breaker);
  expect(changes.map(({ to }) => to)).toEqual(['open', 'closed']);
});

test('a listener that takes the probes itself leaves none for the call that asked', async () => {
  const { clock, breaker } = setUp();
  const own: Promise<unknown>[] = [];
  breaker.on('stateChange', ({ to }) => {
    if (to !== 'half-open') return;
    for (let probe = 0; probe < 3; probe++) own.push(breaker.execute(async () => 'mine'));
  });
  await fail(breaker);
  clock.advance(500);
  await expect(breaker.execute(() => 'in')).rejects.toThrow(CircuitOpenError);
  await expect(Promise.all(own)).resolves.toEqual(['mine', 'mine', 'mine']);
  expect(breaker.state).toBe('closed');
});

test('a listener may change the options: the next change of state goes by them', async () => {
  const { clock, breaker } = setUp();
  breaker.on('stateChange', ({ to }) => {
    if (to === 'open') breaker.update({ permittedCallsInHalfOpen: 1, openMs: 50 });
  });
  await fail(breaker);
  expect(breaker.stats().retryAfterMs).toBe(500);
  clock.advance(500);
  await fail(breaker);
  expect(breaker.stats().retryAfterMs).toBe(100);
});
