import {
  CircuitOpenError,
  DeadlineExceededError,
  InvalidOptionsError,
  NoTargetsError,
  PoolStoppedError,
  QueueFullError,
  RateLimitedError,
  ShedError,
  TimeoutError,
  UpstreamError,
  UpstreamTimeoutError,
  WorkerCrashedError,
  type SluiceError,
} from '@sluice/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { answerFor, HTTP_STATUS_BY_CODE, HttpError, problemOf, secondsIn } from './problem.ts';

const SECRET = 'lane 3 of /srv/app/orders.ts at 10.0.0.7';

const ERRORS: readonly (readonly [SluiceError, number])[] = [
  [new RateLimitedError('l', SECRET, 1), 429],
  [new CircuitOpenError('b', SECRET, 1), 503],
  [new QueueFullError('p', SECRET, 1), 503],
  [new ShedError('p', SECRET), 503],
  [new PoolStoppedError('p', SECRET), 503],
  [new NoTargetsError('u', SECRET), 503],
  [new UpstreamError('u', SECRET, { failure: 'reset', repeatable: true }), 502],
  [new UpstreamTimeoutError('u', SECRET, { failure: 'timeout', repeatable: true }), 504],
  [new DeadlineExceededError('p', SECRET), 504],
  [new TimeoutError('p', SECRET, { timeoutMs: 100 }), 504],
  [new WorkerCrashedError('p', SECRET), 500],
  [new InvalidOptionsError('p', [{ option: SECRET, expected: SECRET, got: SECRET }]), 500],
];

test.each(ERRORS.map(([error, status]) => [error.name, status, error] as const))(
  '%s is answered %i, with its code and none of its words',
  (_, status, error) => {
    const answer = answerFor(error);
    expect(answer).toMatchObject({
      status,
      code: error.code,
      isFailure: status === 500 || status === 502,
    });
    const text = JSON.stringify(problemOf(answer, 'r1'));
    expect(text).not.toContain('/srv');
    expect(JSON.parse(text)).toMatchObject({ type: 'about:blank', status, requestId: 'r1' });
    expect(answer.retryAfterSeconds).toBe(status === 429 || status === 503 ? 1 : undefined);
  },
);

test('every code in the table belongs to an error that is answered so', () => {
  const codes = ERRORS.map(([error]) => error.code);
  for (const [code, status] of Object.entries(HTTP_STATUS_BY_CODE)) {
    const [error] = ERRORS[codes.indexOf(code)] ?? [];
    expect([code, answerFor(error).status]).toEqual([code, status]);
  }
});

test('whoever waits for the seconds of Retry-After has waited for the time of the refusal', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 999_999_999_000, noNaN: true }), (retryAfterMs) => {
      const { retryAfterSeconds = 0 } = answerFor(new RateLimitedError('l', 'm', retryAfterMs));
      expect(Number.isInteger(retryAfterSeconds)).toBe(true);
      expect(retryAfterSeconds).toBeGreaterThanOrEqual(1);
      expect(retryAfterSeconds * 1000).toBeGreaterThanOrEqual(retryAfterMs);
      expect(retryAfterSeconds * 1000).toBeLessThan(retryAfterMs + 1001);
    }),
  );
});

test('Retry-After has no more digits than clients take', () => {
  expect([secondsIn(1e30), secondsIn(Infinity)]).toEqual([999_999_999, 999_999_999]);
});

test.each([undefined, Infinity])(
  'a refusal whose time nobody knows asks for a second: %s',
  (ms) => {
    expect(answerFor(new CircuitOpenError('b', 'm', ms)).retryAfterSeconds).toBe(1);
  },
);

test('an HttpError brings its own words, whatever its status', () => {
  for (const status of [400, 404, 418, 500, 503, 599]) {
    expect(answerFor(new HttpError(status, 'Closed on Sundays.'))).toMatchObject({
      status,
      detail: 'Closed on Sundays.',
    });
  }
});

test.each([399, 600, 404.5, Number.NaN, '404' as never])(
  'an HttpError of %s is refused',
  (status) => {
    expect(() => new HttpError(status, 'no')).toThrow(RangeError);
  },
);

test('an error with a status of the client’s brings its words, one with a status of ours does not', () => {
  const foreign = (statusCode: number): Error => Object.assign(new Error('words'), { statusCode });
  expect(answerFor(foreign(422))).toEqual({ status: 422, detail: 'Unprocessable Entity' });
  const exposed = Object.assign(foreign(422), { expose: true });
  expect(answerFor(exposed)).toEqual({ status: 422, detail: 'words' });
  expect(answerFor(foreign(502))).toMatchObject({ status: 502, isFailure: true });
  expect(answerFor(foreign(502)).detail).not.toContain('words');
});

test('a JSON error does not quote the body', () => {
  const error = Object.assign(new SyntaxError('Unexpected token in {"password"'), {
    statusCode: 400,
  });
  expect(answerFor(error)).toEqual({
    status: 400,
    detail: 'The body is not JSON that this route accepts.',
  });
});

test('whatever is thrown, there is an answer of 4xx or 5xx that can be sent', () => {
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true, withBigInt: true }), (thrown) => {
      const answer = answerFor(thrown);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(600);
      expect(JSON.parse(JSON.stringify(problemOf(answer)))).toMatchObject({
        status: answer.status,
      });
    }),
  );
});
