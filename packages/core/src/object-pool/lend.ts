import { isThenable, warn } from '../core/index.ts';

/** Where what is lent goes back to. */
interface Lender<T> {
  put(object: T): unknown;
}

/**
 * Hands `object` to `fn`, and back to `lender` when `fn` has returned or thrown; when it gives a promise, once that has
 * settled. Where both fail, the error is that of `fn`, and the other becomes a process warning.
 */
export function lend<T, R>(
  lender: Lender<T>,
  object: T,
  fn: (object: T) => PromiseLike<R> | R,
): Promise<R> | R {
  let result: PromiseLike<R> | R;
  try {
    result = fn(object);
    if (isThenable(result)) return putOnceSettled(lender, object, result);
  } catch (error) {
    putAfterFailure(lender, object);
    throw error;
  }
  lender.put(object);
  return result;
}

async function putOnceSettled<T, R>(
  lender: Lender<T>,
  object: T,
  result: PromiseLike<R>,
): Promise<R> {
  let value: R;
  try {
    value = await result;
  } catch (error) {
    putAfterFailure(lender, object);
    throw error;
  }
  lender.put(object);
  return value;
}

function putAfterFailure<T>(lender: Lender<T>, object: T): void {
  try {
    lender.put(object);
  } catch (error) {
    warn(error);
  }
}
