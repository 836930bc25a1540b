import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { ManualClock } from '../testing/index.ts';
import { CallContext, plainContext } from './call-context.ts';
import { InvalidOptionsError } from './errors.ts';

function listenersOn(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length;
}

test('a context without options has no deadline, no key, priority 0 and attempt 1', () => {
  const context = new CallContext(new ManualClock());
  expect(context).toMatchObject({
    deadlineMs: Infinity,
    deadlineAtMs: Infinity,
    budgetMs: Infinity,
    priority: 0,
    key: undefined,
    attempt: 1,
    aborted: false,
    reason: undefined,
  });
  expect(context.signal.aborted).toBe(false);
});

test('what is left of the deadline shrinks as time goes by, and ends at 0', () => {
  const clock = new ManualClock(1000);
  const context = new CallContext(clock, { deadlineMs: 50 });
  const steps = [
    { atMs: 1000, leftMs: 50 },
    { atMs: 1030, leftMs: 20 },
    { atMs: 1050, leftMs: 0 },
    { atMs: 2000, leftMs: 0 },
  ];
  for (const { atMs, leftMs } of steps) {
    clock.advanceTo(atMs);
    expect(context.deadlineMs, `at ${atMs} ms`).toBe(leftMs);
  }
  expect(context).toMatchObject({ budgetMs: 50, deadlineAtMs: 1050 });
});

test('the first abort stands: its reason goes to the listeners in order, then to the signal', () => {
  const context = new CallContext(new ManualClock());
  const heard: unknown[] = [];
  context.signal.addEventListener('abort', () => heard.push(['signal', context.signal.reason]));
  context.onAbort((reason) => heard.push(['first', reason]));
  context.onAbort((reason) => heard.push(['second', reason]));
  context.abort('a');
  context.abort('b');
  expect(heard).toEqual([
    ['first', 'a'],
    ['second', 'a'],
    ['signal', 'a'],
  ]);
  expect(context).toMatchObject({ aborted: true, reason: 'a' });
});

test('a listener that was removed is not called, and removing it twice harms no other', () => {
  const context = new CallContext(new ManualClock());
  const heard: string[] = [];
  const removed = (): void => void heard.push('removed');
  context.offAbort(removed);
  context.onAbort(removed);
  context.onAbort(() => heard.push('kept'));
  context.offAbort(removed);
  context.offAbort(removed);
  context.abort('a');
  context.offAbort(removed);
  expect(heard).toEqual(['kept']);
});

test('a listener that comes after the abort is called at once', () => {
  const context = new CallContext(new ManualClock());
  context.abort('a');
  const heard: unknown[] = [];
  context.onAbort((reason) => heard.push(reason));
  expect(heard).toEqual(['a']);
});

test('a signal first read after the abort is aborted, with the reason', () => {
  const context = new CallContext(new ManualClock());
  context.abort('a');
  expect(context.signal).toMatchObject({ aborted: true, reason: 'a' });
});

test("the caller's abort ends the call, with the reason it gave", () => {
  const controller = new AbortController();
  const context = new CallContext(new ManualClock(), { signal: controller.signal });
  const { signal } = context;
  controller.abort('gone');
  expect(context).toMatchObject({ aborted: true, reason: 'gone' });
  expect(signal).toMatchObject({ aborted: true, reason: 'gone' });
});

test('a call whose signal was aborted before it began is aborted from the start', () => {
  const signal = AbortSignal.abort('gone');
  const context = new CallContext(new ManualClock(), { signal });
  expect(context).toMatchObject({ aborted: true, reason: 'gone' });
  expect(listenersOn(signal)).toBe(0);
});

test("close and abort let go of the caller's signal", () => {
  const { signal } = new AbortController();
  const closed = new CallContext(new ManualClock(), { signal });
  const aborted = new CallContext(new ManualClock(), { signal });
  expect(listenersOn(signal)).toBe(2);
  closed.close();
  closed.close();
  aborted.abort('a');
  expect(listenersOn(signal)).toBe(0);
});

test('a caller who aborts after the call has closed ends nothing', () => {
  const controller = new AbortController();
  const context = new CallContext(new ManualClock(), { signal: controller.signal });
  context.close();
  controller.abort('late');
  expect(context.aborted).toBe(false);
});

test('a context handed on as options carries deadline, abort, priority and key', () => {
  const clock = new ManualClock();
  const outer = new CallContext(clock, { deadlineMs: 100, priority: 3, key: 'acme' });
  clock.advance(60);
  const inner = new CallContext(clock, outer);
  expect(inner).toMatchObject({ deadlineAtMs: 100, budgetMs: 40, priority: 3, key: 'acme' });
  outer.abort('over');
  expect(inner).toMatchObject({ aborted: true, reason: 'over' });
});

test('wrong options are all named at once', () => {
  const wrong = { deadlineMs: Number.NaN, priority: Infinity, signal: {} } as never;
  expect(() => new CallContext(new ManualClock(), wrong)).toThrow(
    'execute: deadlineMs must be a number of ms, got NaN; priority must be an integer from -8 to 7, got Infinity; signal must be an AbortSignal, got an object with no keys',
  );
  for (const options of [{ deadlineMs: '5' }, { priority: null }, { signal: null }] as never[]) {
    expect(() => new CallContext(new ManualClock(), options)).toThrow(InvalidOptionsError);
  }
});

test('a deadline that has passed already is no mistake', () => {
  for (const deadlineMs of [0, -5, -Infinity]) {
    const context = new CallContext(new ManualClock(), { deadlineMs });
    expect(context.deadlineMs).toBe(0);
  }
});

test('the plain context cannot be changed, and its signals are never shared', () => {
  expect(plainContext).toMatchObject({ deadlineMs: Infinity, priority: 0, attempt: 1 });
  expect(Object.isFrozen(plainContext)).toBe(true);
  expect(plainContext.signal).not.toBe(plainContext.signal);
  expect(plainContext.signal.aborted).toBe(false);
});

test('a part of a call ends with it, at its deadline or before, and can be ended without it', () => {
  const clock = new ManualClock(1000);
  const signal = new AbortController();
  const whole = new CallContext(clock, {
    signal: signal.signal,
    deadlineMs: 100,
    priority: 3,
    key: 'k',
  });
  const first = new CallContext(clock, whole, { attempt: 1, deadlineMs: 500 });
  const second = new CallContext(clock, whole, { attempt: 2, deadlineMs: 50 });
  expect(first).toMatchObject({ deadlineAtMs: 1100, budgetMs: 500, priority: 3, key: 'k' });
  expect(second).toMatchObject({ deadlineAtMs: 1050, budgetMs: 50, attempt: 2 });
  first.abort('too slow');
  expect([first.aborted, whole.aborted, second.aborted]).toEqual([true, false, false]);
  expect(listenersOn(signal.signal)).toBe(1);
  signal.abort('gone');
  expect([second.reason, second.signal.aborted]).toEqual(['gone', true]);
  expect(new CallContext(clock, whole)).toMatchObject({
    aborted: true,
    reason: 'gone',
    budgetMs: 100,
  });
});

test('a part that is closed is forgotten by its call', () => {
  const clock = new ManualClock();
  const whole = new CallContext(clock, { deadlineMs: 10 });
  const part = new CallContext(clock, whole);
  part.close();
  whole.abort('over');
  expect(part.aborted).toBe(false);
  expect(part.deadlineAtMs).toBe(10);
});

test('a part of the plain context is a context of its own, with no signal to follow', () => {
  const part = new CallContext(new ManualClock(5), plainContext, { attempt: 3, deadlineMs: 10 });
  expect(part).toMatchObject({ attempt: 3, deadlineAtMs: 15, priority: 0, key: undefined });
});
