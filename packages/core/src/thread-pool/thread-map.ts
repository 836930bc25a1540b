import { InvalidOptionsError, shown } from '../core/index.ts';
import type { MapOptions } from '../job-queue/index.ts';
import type { Transferable } from './job-types.ts';

/** What may be said about a `map` on threads. */
export interface ThreadMapOptions<I> extends MapOptions {
  /** Whose worker an item goes to, or that of all items: see {@link RunOptions.affinity}. */
  readonly affinity?: string | ((item: I) => string | undefined) | undefined;
  /** Whether a task may be run again, once, when its worker dies under it. @default false */
  readonly idempotent?: boolean | undefined;
  /** What of the input of an item is moved to its worker instead of copied. @default nothing */
  readonly transfer?: ((item: I) => readonly Transferable[]) | undefined;
}

/** What the tasks of a `map` are submitted with, by their items. */
export interface ItemOptions<I> {
  readonly affinity: (item: I) => string | undefined;
  readonly transfer: (item: I) => readonly Transferable[] | undefined;
}

/** @throws InvalidOptionsError for a `transfer` that is no function. What the functions answer is checked with each task. */
export function itemOptions<I>(
  pool: string,
  { affinity, transfer }: ThreadMapOptions<I>,
): ItemOptions<I> {
  if (transfer !== undefined && typeof transfer !== 'function') {
    const problem = { option: 'transfer', expected: 'a function', got: shown(transfer) };
    throw new InvalidOptionsError(`${pool}.map`, [problem]);
  }
  return {
    affinity: typeof affinity === 'function' ? affinity : () => affinity,
    transfer: transfer ?? (() => undefined),
  };
}
