import { expect, test } from 'vitest';
import { TimeoutError } from '../core/index.ts';
import { ManualClock, settlePromises } from '../testing/index.ts';
import { CircuitBreaker, type CircuitBreakerOptions } from './index.ts';

/** A breaker that is half-open from now on. */
function halfOpen(options: CircuitBreakerOptions = {}) {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker({
    consecutiveFailures: 1,
    openMs: 100,
    openJitter: 0,
    clock,
    ...options,
  });
  breaker.tryAcquire()?.failure();
  clock.advance(100);
  expect(breaker.state).toBe('half-open');
  return { clock, breaker };
}

const never = (): Promise<never> => new Promise(() => undefined);

test('the patience is with each probe, not with the first of those that overlap', () => {
  const { clock, breaker } = halfOpen({ permittedCallsInHalfOpen: 2, maxHalfOpenMs: 1000 });
  const first = breaker.tryAcquire();
  clock.advance(900);
  const second = breaker.tryAcquire();
  clock.advance(50);
  first?.success();
  clock.advance(900);
  expect(breaker.state).toBe('half-open');
  second?.success();
  expect(breaker.state).toBe('closed');
});

test('a probe that hangs is given up in time, whatever those beside it do', () => {
  const { clock, breaker } = halfOpen({ permittedCallsInHalfOpen: 3, maxHalfOpenMs: 1000 });
  breaker.tryAcquire();
  for (let i = 0; i < 9; i++) {
    clock.advance(100);
    breaker.tryAcquire()?.ignore();
  }
  expect(breaker.state).toBe('half-open');
  clock.advance(100);
  expect(breaker.state).toBe('open');
});

test('a probe whose caller gave it up keeps its place while it runs, and ends the recovery if it hangs', async () => {
  const { clock, breaker } = halfOpen({ permittedCallsInHalfOpen: 3, maxHalfOpenMs: 1000 });
  let running = 0;
  const hurried = async (): Promise<void> => {
    const controller = new AbortController();
    const call = breaker.execute(
      () => {
        running++;
        return never();
      },
      { signal: controller.signal },
    );
    call.catch(() => undefined);
    controller.abort('in a hurry');
    await settlePromises();
  };
  for (let i = 0; i < 20; i++) await hurried();
  expect([running, breaker.stats().notPermitted]).toEqual([3, 17]);
  clock.advance(1000);
  expect(breaker.state).toBe('open');
});

test('a probe that its caller gave up, and that ends well after all, is a success', async () => {
  const { breaker } = halfOpen({ permittedCallsInHalfOpen: 1 });
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<string>();
  const call = breaker.execute(() => promise, { signal: controller.signal });
  controller.abort('gone');
  await expect(call).rejects.toBe('gone');
  expect(breaker.state).toBe('half-open');
  resolve('late');
  await settlePromises();
  expect(breaker.state).toBe('closed');
  const { permitted, succeeded, failed, ignored, lost } = breaker.stats();
  expect(permitted).toBe(succeeded + failed + ignored + lost);
});

test('a call that was ended by a time limit counts when it had at least half of that time', async () => {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker({ consecutiveFailures: 100, clock });
  for (const [ranMs, failed] of [
    [499, 0],
    [500, 1],
    [1000, 2],
  ] as const) {
    const controller = new AbortController();
    const call = breaker.execute(never, { signal: controller.signal });
    clock.advance(ranMs);
    controller.abort(new TimeoutError('total', 'over', { timeoutMs: 1000 }));
    await expect(call).rejects.toThrow('over');
    expect(breaker.stats()).toMatchObject({ failed });
  }
  expect(breaker.stats().ignored).toBe(1);
});

test('a snapshot taken while it is isolated is that of a breaker that begins anew', () => {
  const clock = new ManualClock();
  const options = { minimumCalls: 20, clock } as const;
  const breaker = new CircuitBreaker(options);
  for (let i = 0; i < 20; i++) breaker.tryAcquire()?.failure();
  expect(breaker.state).toBe('open');
  breaker.isolate();
  const other = new CircuitBreaker(options);
  other.restore(breaker.toJSON());
  other.tryAcquire()?.success();
  expect(other.stats()).toMatchObject({ state: 'closed', windowCalls: 1, windowFailures: 0 });
});

test('a breaker without a ramp does not take over the relapses of one that was in its ramp', () => {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker({ consecutiveFailures: 1, openJitter: 0, clock });
  breaker.restore({ ...breaker.toJSON(), relapses: 5, rampForMs: 1000 });
  breaker.tryAcquire()?.failure();
  expect(breaker.stats()).toMatchObject({ state: 'open', retryAfterMs: 500 });
});

test('an eager breaker that is restored to another open time tells of its end on time', () => {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker({ consecutiveFailures: 1, openMs: 5000, eager: true, clock });
  breaker.tryAcquire()?.failure();
  const heard: [string, number][] = [];
  breaker.on('stateChange', ({ to, atMs }) => heard.push([to, atMs]));
  breaker.restore({ ...breaker.toJSON(), openForMs: 100 });
  clock.advance(100);
  expect(heard).toEqual([['half-open', 100]]);
});

test('a listener may isolate, and release, while it is being isolated', () => {
  const breaker = new CircuitBreaker({ clock: new ManualClock() });
  breaker.on('stateChange', ({ reason }) => {
    if (reason === 'isolated') breaker.isolate()();
  });
  const release = breaker.isolate();
  expect(breaker.state).toBe('forced-open');
  release();
  expect(breaker.state).toBe('closed');
});

test('an update finds first what time alone has changed', () => {
  const { clock, breaker } = halfOpen({ permittedCallsInHalfOpen: 2, maxHalfOpenMs: 1000 });
  breaker.tryAcquire();
  clock.advance(10);
  breaker.tryAcquire()?.success();
  clock.advance(1000);
  breaker.update({ requiredSuccesses: 1 });
  expect(breaker.state).toBe('open');
});
