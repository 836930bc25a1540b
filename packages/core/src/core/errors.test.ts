import { afterEach, expect, test } from 'vitest';
import {
  CircuitOpenError,
  DeadlineExceededError,
  InvalidOptionsError,
  NoTargetsError,
  PoolStoppedError,
  QueueFullError,
  RateLimitedError,
  RejectedError,
  ShedError,
  SluiceError,
  TimeoutError,
  WorkerCrashedError,
} from './errors.ts';
import { UpstreamError, UpstreamTimeoutError } from './upstream-errors.ts';

const refusals = [
  { make: RateLimitedError, name: 'RateLimitedError', code: 'SLUICE_RATE_LIMITED' },
  { make: CircuitOpenError, name: 'CircuitOpenError', code: 'SLUICE_CIRCUIT_OPEN' },
  { make: QueueFullError, name: 'QueueFullError', code: 'SLUICE_QUEUE_FULL' },
  { make: ShedError, name: 'ShedError', code: 'SLUICE_SHED' },
  { make: DeadlineExceededError, name: 'DeadlineExceededError', code: 'SLUICE_DEADLINE_EXCEEDED' },
  { make: PoolStoppedError, name: 'PoolStoppedError', code: 'SLUICE_STOPPED' },
  { make: NoTargetsError, name: 'NoTargetsError', code: 'SLUICE_NO_TARGETS' },
];

const others = [
  {
    error: new TimeoutError('db', 'too slow', { timeoutMs: 250 }),
    name: 'TimeoutError',
    code: 'SLUICE_TIMEOUT',
  },
  {
    error: new WorkerCrashedError('cpu', 'it died'),
    name: 'WorkerCrashedError',
    code: 'SLUICE_WORKER_CRASHED',
  },
  {
    error: new UpstreamError('stock', 'reset', { failure: 'reset', repeatable: false }),
    name: 'UpstreamError',
    code: 'SLUICE_UPSTREAM_FAILED',
  },
  {
    error: new UpstreamTimeoutError('stock', 'slow', { failure: 'timeout', repeatable: true }),
    name: 'UpstreamTimeoutError',
    code: 'SLUICE_UPSTREAM_TIMEOUT',
  },
  {
    error: new InvalidOptionsError('TokenBucket', []),
    name: 'InvalidOptionsError',
    code: 'SLUICE_INVALID_OPTIONS',
  },
];

const usual = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit') as PropertyDescriptor;

afterEach(() => {
  Object.defineProperty(Error, 'stackTraceLimit', usual);
});

function frames(error: Error): number {
  return (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at ')).length;
}

test.each(refusals)('$name is a refusal with the code $code', ({ make: Refusal, name, code }) => {
  const error = new Refusal('public', 'public: no', 40);
  expect(error).toBeInstanceOf(RejectedError);
  expect(error).toBeInstanceOf(SluiceError);
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({
    name,
    code,
    message: 'public: no',
    policy: 'public',
    retryAfterMs: 40,
  });
});

test.each(others)(
  '$name is an error, not a refusal, with the code $code',
  ({ error, name, code }) => {
    expect(error).not.toBeInstanceOf(RejectedError);
    expect(error).toBeInstanceOf(SluiceError);
    expect(error).toMatchObject({ name, code });
    expect(frames(error)).toBeGreaterThan(0);
  },
);

test('a TimeoutError says what time the work was given', () => {
  expect(new TimeoutError('db', 'too slow', { timeoutMs: 250 })).toMatchObject({
    timeoutMs: 250,
    policy: 'db',
  });
});

test('retryAfterMs is undefined when nobody can know it', () => {
  const hints = [
    { given: undefined, told: undefined },
    { given: Infinity, told: undefined },
    { given: 0, told: 0 },
    { given: 0.25, told: 0.25 },
  ];
  for (const { given, told } of hints) {
    expect(new ShedError('edge', 'no', given).retryAfterMs).toBe(told);
  }
});

test('errors keep the cause that they were given', () => {
  const cause = new Error('socket hang up');
  expect(new ShedError('edge', 'no', 1, { cause }).cause).toBe(cause);
  expect(new TimeoutError('db', 'too slow', { timeoutMs: 250, cause }).cause).toBe(cause);
  expect('cause' in new ShedError('edge', 'no', 1)).toBe(false);
});

test('a refusal has a name and a message, and no stack frames', () => {
  const error = new QueueFullError('io', 'io: all is taken');
  expect(error.stack).toBe('QueueFullError: io: all is taken');
  expect(String(error)).toBe('QueueFullError: io: all is taken');
});

test('a refusal leaves Error.stackTraceLimit as it was, whatever it was', () => {
  for (const limit of [10, 3, 0, 500, Infinity]) {
    Error.stackTraceLimit = limit;
    expect(frames(new ShedError('edge', 'no'))).toBe(0);
    expect(Error.stackTraceLimit).toBe(limit);
  }
});

test('a refusal does not bring back an Error.stackTraceLimit that was deleted', () => {
  Reflect.deleteProperty(Error, 'stackTraceLimit');
  expect(new ShedError('edge', 'no')).toBeInstanceOf(ShedError);
  expect(Object.hasOwn(Error, 'stackTraceLimit')).toBe(false);
});

test('a refusal can be made where Error.stackTraceLimit is frozen', () => {
  Object.defineProperty(Error, 'stackTraceLimit', { ...usual, value: 10, writable: false });
  expect(new ShedError('edge', 'no', 5)).toMatchObject({ name: 'ShedError', retryAfterMs: 5 });
});

test('a refusal that cannot be made leaves Error.stackTraceLimit as it was', () => {
  const impossible = {
    get cause(): never {
      throw new Error('no cause');
    },
  };
  Error.stackTraceLimit = 7;
  expect(() => new ShedError('edge', 'no', 5, impossible)).toThrow('no cause');
  expect(Error.stackTraceLimit).toBe(7);
});

test('an InvalidOptionsError names every problem in one sentence each', () => {
  const problems = [
    { option: 'capacity', expected: 'an integer of at least 1', got: '0' },
    { option: 'slidingWindow.size', expected: 'an integer of at least 1', got: '"ten"' },
  ];
  const error = new InvalidOptionsError('CircuitBreaker', problems);
  expect(error.problems).toEqual(problems);
  expect(error.policy).toBe('CircuitBreaker');
  expect(error.message).toBe(
    'CircuitBreaker: capacity must be an integer of at least 1, got 0; slidingWindow.size must be an integer of at least 1, got "ten"',
  );
});

test('a subclass of a user has its own name', () => {
  class TenantLimitedError extends RateLimitedError {}
  const error = new TenantLimitedError('tenant', 'tenant: no', 5);
  expect(error.name).toBe('TenantLimitedError');
  expect(error.stack).toBe('TenantLimitedError: tenant: no');
});
