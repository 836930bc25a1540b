import {
  integer,
  label,
  optional,
  resolveOptions,
  type OptionRules,
  type Rule,
} from '../core/index.ts';
import type { ObjectPoolStats } from './options.ts';
import { isClassSize, MAX_CLASS_BYTES } from './size-classes.ts';

export interface BufferPoolOptions {
  /** Bytes kept for reuse, of all sizes together. Integer, at least 0. @default 16_777_216 (16 MiB) */
  readonly maxBytes?: number;
  /** The smallest size handed out, in bytes. A power of two up to 2³⁰. @default 1024 */
  readonly smallestBytes?: number;
  /** The largest size that is pooled, in bytes. A power of two up to 2³⁰, at least `smallestBytes`. @default 1_048_576 (1 MiB) */
  readonly largestBytes?: number;
  /**
   * Whether each buffer is all zeros when it is handed out: it is overwritten as soon as it comes back. false spares
   * that time, and the next user reads what the last one wrote. @default true
   */
  readonly clear?: boolean;
  /** @default 'buffer-pool' */
  readonly name?: string;
}

export type ResolvedBufferPoolOptions = Required<BufferPoolOptions>;

export interface SizeClassStats extends ObjectPoolStats {
  /** Size of the buffers of this class. */
  readonly bytes: number;
}

export interface BufferPoolStats {
  readonly maxBytes: number;
  /** Bytes of the buffers that wait for their next use. */
  readonly idleBytes: number;
  /** Buffers of all sizes that were handed out and have not come back, those included that never will. */
  readonly outstanding: number;
  /** Buffers made since the start because none was idle, those beyond `largestBytes` included. */
  readonly created: number;
  /** Buffers handed out anew since the start. */
  readonly reused: number;
  /** Of the buffers made, those larger than `largestBytes`, which are never kept. */
  readonly oversized: number;
  /** By size, the least first; sizes that were never asked for are left out. */
  readonly classes: readonly SizeClassStats[];
}

const aClassSize: Rule<number> = {
  expected: `a power of two up to ${MAX_CLASS_BYTES}`,
  accepts: (v): v is number => typeof v === 'number' && isClassSize(v),
};

const aBoolean: Rule<boolean> = {
  expected: 'true or false',
  accepts: (v): v is boolean => typeof v === 'boolean',
};

const rules: OptionRules<ResolvedBufferPoolOptions> = {
  maxBytes: optional(integer(0), () => 16 * 1024 * 1024),
  smallestBytes: optional(aClassSize, () => 1024),
  largestBytes: optional(aClassSize, () => 1024 * 1024),
  clear: optional(aBoolean, () => true),
  name: optional(label, () => 'buffer-pool'),
};

/** @throws InvalidOptionsError naming every problem. */
export function resolveBufferPoolOptions(given: BufferPoolOptions): ResolvedBufferPoolOptions {
  return resolveOptions('BufferPool', given, rules, [
    ({ smallestBytes, largestBytes }) =>
      smallestBytes > largestBytes
        ? {
            option: 'smallestBytes',
            expected: `at most largestBytes (${largestBytes})`,
            got: `${smallestBytes}`,
          }
        : undefined,
  ]);
}
