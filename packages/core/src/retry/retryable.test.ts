import { expect, test } from 'vitest';
import {
  CircuitOpenError,
  DeadlineExceededError,
  InvalidOptionsError,
  PoolStoppedError,
  QueueFullError,
  RateLimitedError,
  TimeoutError,
  WorkerCrashedError,
} from '../core/index.ts';
import { retryAfterMsOf } from './retry-after.ts';
import { isRetryable } from './retryable.ts';

const http = (status: number, headers: unknown = {}): Error =>
  Object.assign(new Error(`${status}`), { response: { status, headers } });

test('failures that may pass are worth another try', () => {
  const passing: unknown[] = [
    new Error('ECONNRESET'),
    new TimeoutError('upstream', 'too slow', { timeoutMs: 5 }),
    new DOMException('too slow', 'TimeoutError'),
    new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }),
    new CircuitOpenError('breaker', 'open', 500),
    new RateLimitedError('limiter', 'no permit', 20),
    Object.assign(new Error('bad gateway'), { statusCode: 502 }),
    ...[408, 425, 429, 500, 502, 503, 504].map((status) => http(status)),
    http(413, { 'retry-after': '5' }),
    'text',
    undefined,
    null,
  ];
  expect(passing.filter((error) => !isRetryable(error))).toEqual([]);
});

test('failures that will be the same next time are not', () => {
  const lasting: unknown[] = [
    new DeadlineExceededError('pool', 'too late', 5),
    new InvalidOptionsError('execute', []),
    new WorkerCrashedError('threads', 'out of memory'),
    new PoolStoppedError('pool', 'stopping'),
    new QueueFullError('pool', 'full'),
    new CircuitOpenError('breaker', 'probing'),
    new DOMException('stopped', 'AbortError'),
    new TypeError('x is not a function'),
    new TypeError('fetch failed', { cause: new TypeError('Invalid URL') }),
    new RangeError('Invalid array length'),
    new ReferenceError('x is not defined'),
    new SyntaxError('Unexpected token'),
    Object.assign(new Error('not found'), { statusCode: 404 }),
    ...[400, 401, 403, 404, 409, 422, 501, 505].map((status) => http(status)),
  ];
  expect(lasting.filter((error) => isRetryable(error))).toEqual([]);
});

test('Retry-After is read as seconds or as any of the three dates of HTTP', () => {
  const nowMs = Date.UTC(1994, 10, 6, 8, 49, 7);
  const cases: [string, number | undefined][] = [
    ['120', 120_000],
    ['0', 0],
    ['1.5', 1500],
    [' 2 ', 2000],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 30_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 30_000],
    ['Sun Nov  6 08:49:37 1994', 30_000],
    ['Sun, 06 Nov 1994 08:00:00 GMT', 0],
    ['-5', undefined],
    ['soon', undefined],
    ['', undefined],
    ['Sun, never', undefined],
  ];
  const read = cases.map(([value]) => [
    value,
    retryAfterMsOf({ headers: { 'retry-after': value } }, nowMs),
  ]);
  expect(read).toEqual(cases);
});

test('Retry-After is found in the headers of an error or of its response, plain or not', () => {
  const found: unknown[] = [
    { headers: { 'retry-after': '7' } },
    { headers: { 'Retry-After': 7 } },
    { headers: { 'retry-after': ['7', '9'] } },
    { headers: new Headers({ 'Retry-After': '7' }) },
    { headers: {}, response: { headers: { 'retry-after': '7' } } },
    { response: new Response(null, { status: 503, headers: { 'Retry-After': '7' } }) },
    { retryAfterMs: 7000, headers: { 'retry-after': '9' } },
  ];
  for (const error of found) expect(retryAfterMsOf(error, 0)).toBe(7000);
  const none: unknown[] = [
    undefined,
    null,
    'text',
    new Error('boom'),
    { headers: null, response: null },
    { headers: 'retry-after: 7' },
    { retryAfterMs: '7' },
    { retryAfterMs: Number.NaN },
    { retryAfterMs: -1 },
  ];
  for (const error of none) expect(retryAfterMsOf(error, 0)).toBe(undefined);
});
