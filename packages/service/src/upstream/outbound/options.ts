import { inspect } from 'node:util';

import {
  CircuitBreaker,
  InvalidOptionsError,
  type CircuitBreakerOptions,
  type OptionProblem,
  type PolicyRegistry,
} from '@sluice/core';
import type { Dispatcher } from 'undici';

export interface BreakerInterceptorOptions extends CircuitBreakerOptions {
  /** The breaker of an origin is named after this and the origin. @default 'breaker' */
  readonly name?: string;
  /** Origins whose breakers are kept. Integer, at least 1. @default 1000 */
  readonly maxOrigins?: number | undefined;
  /**
   * Whether an answer with this status is a failure of the origin. One that throws is reported, and the
   * default stands. @default status ≥ 500
   */
  readonly isFailure?: IsFailedAnswer | undefined;
  /** Where each breaker is entered while it is kept, unless its name is taken. @default none */
  readonly registry?: PolicyRegistry | undefined;
}

/** Header names are in lower case. */
export type IsFailedAnswer = (statusCode: number, headers: AnswerHeaders) => boolean;

type AnswerHeaders = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

export interface ResolvedInterceptorOptions {
  readonly name: string;
  readonly maxOrigins: number;
  readonly isFailure: IsFailedAnswer;
  readonly registry: PolicyRegistry | undefined;
  /** What the breakers of all origins have in common. */
  readonly circuit: CircuitBreakerOptions;
}

/** The service is at fault from 500 on; 429 is about the quota of a client, which a limiter is for. */
const isServerError: IsFailedAnswer = (statusCode) => statusCode >= 500;

/** @throws InvalidOptionsError naming every option that is wrong. */
export function resolveInterceptorOptions(
  given: BreakerInterceptorOptions,
): ResolvedInterceptorOptions {
  const { maxOrigins = 1000, isFailure = isServerError, registry, ...circuit } = given;
  const problems: OptionProblem[] = [];
  const check = (option: string, isRight: boolean, expected: string, got: unknown): void => {
    if (!isRight) problems.push({ option, expected, got: inspect(got, { depth: 0 }) });
  };
  check(
    'maxOrigins',
    Number.isSafeInteger(maxOrigins) && maxOrigins >= 1,
    'an integer of at least 1',
    maxOrigins,
  );
  check('isFailure', typeof isFailure === 'function', 'a function', isFailure);
  check(
    'registry',
    registry === undefined || typeof registry?.add === 'function',
    'a PolicyRegistry',
    registry,
  );
  problems.push(...circuitProblems(circuit));
  if (problems.length > 0) throw new InvalidOptionsError('breaker', problems);
  const { name = 'breaker' } = circuit;
  return Object.freeze({ name, maxOrigins, isFailure, registry, circuit: Object.freeze(circuit) });
}

/** A mistake is to be found when the interceptor is made, not with its first request. */
function circuitProblems(circuit: CircuitBreakerOptions): readonly OptionProblem[] {
  try {
    void new CircuitBreaker(circuit);
    return [];
  } catch (error) {
    if (error instanceof InvalidOptionsError) return error.problems;
    throw error;
  }
}
