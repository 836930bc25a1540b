import { expect, test } from 'vitest';
import { ManualClock } from '../testing/index.ts';
import { CallContext } from './call-context.ts';
import {
  CircuitOpenError,
  DeadlineExceededError,
  RateLimitedError,
  TimeoutError,
  WorkerCrashedError,
} from './errors.ts';
import { outcomeOf } from './outcome.ts';

function abortedBy(reason: unknown): CallContext {
  const context = new CallContext(new ManualClock());
  context.abort(reason);
  return context;
}

test('an error counts as a failure, whatever was thrown', () => {
  const thrown: unknown[] = [new Error('boom'), 'text', undefined, null, 0];
  expect(thrown.map((error) => outcomeOf(error))).toEqual(thrown.map(() => 'failure'));
});

test('a refusal from further in is ignored, for nothing was asked of what is behind', () => {
  const refusals = [
    new RateLimitedError('public', 'no', 5),
    new CircuitOpenError('inventory', 'no'),
    new DeadlineExceededError('io', 'no'),
  ];
  expect(refusals.map((error) => outcomeOf(error))).toEqual(['ignored', 'ignored', 'ignored']);
});

test('a timeout and a crash are failures, for the work had begun', () => {
  expect(outcomeOf(new TimeoutError('db', 'slow', { timeoutMs: 50 }))).toBe('failure');
  expect(outcomeOf(new WorkerCrashedError('cpu', 'died'))).toBe('failure');
});

test('a call that its caller gave up is ignored, whatever error it brought up in the end', () => {
  const context = abortedBy(new DOMException('gone', 'AbortError'));
  expect(outcomeOf(context.reason, context)).toBe('ignored');
  expect(outcomeOf(new Error('socket closed'), context)).toBe('ignored');
});

test('a call that a policy ended for taking too long is a failure', () => {
  const context = abortedBy(new TimeoutError('io', 'slow', { timeoutMs: 50 }));
  expect(outcomeOf(context.reason, context)).toBe('failure');
  expect(outcomeOf(new Error('socket closed'), context)).toBe('failure');
});

test('a context that was not aborted has no say', () => {
  const context = new CallContext(new ManualClock());
  expect(outcomeOf(new Error('boom'), context)).toBe('failure');
  expect(outcomeOf(new RateLimitedError('public', 'no'), context)).toBe('ignored');
});
