import {
  DeadlineExceededError,
  PoolStoppedError,
  QueueFullError,
  TimeoutError,
} from '../core/index.ts';

/** What the pool knows of dials when a caller's time is over. */
export interface DialState {
  readonly isFailing: boolean;
  readonly lastError: unknown;
  /** Open connections that are to stay. */
  readonly kept: number;
}

export function stopped(name: string): PoolStoppedError {
  return new PoolStoppedError(name, `${name}: the pool is stopping`);
}

export function full(name: string, waiting: number): QueueFullError {
  return new QueueFullError(
    name,
    `${name}: all connections are in use and ${waiting} callers wait`,
  );
}

/**
 * A pool whose connections are all in use has refused the caller, which says nothing about what is behind. One
 * that has none, or cannot make more, has tried and failed, which a breaker is to count.
 */
export function tooLate(name: string, limitMs: number, dials: DialState): Error {
  const { isFailing, lastError, kept } = dials;
  if (limitMs <= 0 || (!isFailing && kept > 0)) {
    return new DeadlineExceededError(name, `${name}: no connection was free within ${limitMs} ms`);
  }
  const message = `${name}: no connection could be made for a caller who waits for ${limitMs} ms`;
  const cause = isFailing ? { cause: lastError } : {};
  return new TimeoutError(name, message, { timeoutMs: limitMs, ...cause });
}
