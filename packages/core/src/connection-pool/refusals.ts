import {
  DeadlineExceededError,
  PoolStoppedError,
  QueueFullError,
  TimeoutError,
} from '../core/index.ts';
import type { Failure } from './checks.ts';

export function stopped(name: string): PoolStoppedError {
  return new PoolStoppedError(name, `${name}: the pool is stopping`);
}

/** @param failure of dials @param kept open connections that are to stay */
export function full(
  name: string,
  waiting: number,
  failure: Failure | undefined,
  kept: number,
): QueueFullError {
  if (kept > 0) {
    const message = `${name}: all connections are in use and ${waiting} callers wait`;
    return new QueueFullError(name, message);
  }
  const message = `${name}: ${waiting} callers wait already for the first connection`;
  const cause = failure === undefined ? {} : { cause: failure.error };
  return new QueueFullError(name, message, undefined, cause);
}

/**
 * A pool whose connections are all in use has refused the caller, which says nothing about what is behind. One
 * that has none, or none that works, has tried and failed, which a breaker is to count.
 * @param failure of dials, or else of checks since he came; undefined while they go well
 * @param kept open connections that are to stay
 */
export function tooLate(
  name: string,
  limitMs: number,
  failure: Failure | undefined,
  kept: number,
): Error {
  if (limitMs <= 0 || (failure === undefined && kept > 0)) {
    return new DeadlineExceededError(name, `${name}: no connection was free within ${limitMs} ms`);
  }
  const message = `${name}: no working connection could be had for a caller who waits for ${limitMs} ms`;
  const cause = failure === undefined ? {} : { cause: failure.error };
  return new TimeoutError(name, message, { timeoutMs: limitMs, ...cause });
}
