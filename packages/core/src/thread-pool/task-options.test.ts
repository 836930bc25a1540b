import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { DeadlineExceededError, InvalidOptionsError } from '../core/index.ts';
import { ManualClock } from '../testing/index.ts';
import { JobKinds } from './job-kinds.ts';
import type { RunOptions } from './options.ts';
import { specify, type Specifier } from './task-options.ts';
import { ThreadJob } from './thread-job.ts';

const kind = new JobKinds('pool').find('job');

function specified(options: RunOptions, changes: Partial<Specifier> = {}): ThreadJob {
  const job = new ThreadJob({ onDropped: () => undefined }, kind, 'input', 0);
  const clock = new ManualClock(1000);
  const pool = { name: 'pool', clock, carry: undefined, onAbort: () => undefined, ...changes };
  specify(job, options, pool);
  return job;
}

test('a task of which nothing is said takes nothing along but its input', () => {
  const job = specified({});
  expect(job.extras).toBeUndefined();
  expect(job).toMatchObject({ priority: 0, isTimed: false, idempotent: false });
  expect(job).toMatchObject({ timeoutMs: Infinity, deadlineAtMs: Infinity });
});

test('a deadline counts from the submission, and goes along with the key and what is carried', () => {
  const job = specified({ deadlineMs: 250, key: 'tenant' }, { carry: () => ({ trace: 7 }) });
  expect(job).toMatchObject({ deadlineAtMs: 1250, sinceMs: 1000, isTimed: true, key: 'tenant' });
  expect(job.extras).toEqual({ deadlineAtMs: 1250, key: 'tenant', carried: { trace: 7 } });
});

test('a deadline that has passed already throws, and the signal is not listened to', () => {
  const { signal } = new AbortController();
  expect(() => specified({ deadlineMs: 0, signal })).toThrow(DeadlineExceededError);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test('an empty list of what to move is none', () => {
  expect(specified({ transfer: [] }).transfer).toBeUndefined();
});

describe('a signal', () => {
  test('that aborts tells the pool, with its reason, until the task leaves', () => {
    const reasons: unknown[] = [];
    const controller = new AbortController();
    const { signal } = controller;
    const job = specified({ signal }, { onAbort: (_job, reason) => reasons.push(reason) });
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    controller.abort('gone');
    expect(reasons).toEqual(['gone']);
    job.leave?.();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('that was aborted before throws its reason, and is not listened to', () => {
    const signal = AbortSignal.abort(new RangeError('gone'));
    expect(() => specified({ signal })).toThrow(RangeError);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

test('all options that are wrong are named at once', () => {
  const wrong = {
    signal: {},
    deadlineMs: Number.NaN,
    priority: 8,
    key: 7,
    timeoutMs: 0,
    transfer: 'all',
    affinity: 1,
    idempotent: 'yes',
    timeout: 5,
  };
  const options = Object.keys(wrong);
  let problems: readonly { readonly option: string }[] = [];
  try {
    specified(wrong as never);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionsError);
    ({ problems } = error as InvalidOptionsError);
  }
  expect(problems.map(({ option }) => option)).toEqual(options);
  expect(() => specified(7 as never)).toThrow(/an object/u);
});
