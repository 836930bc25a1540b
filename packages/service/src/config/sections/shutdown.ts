import type { z } from 'zod';

import { integer, mapping, MAX_MS, milliseconds, withRules, type Complete } from './values.ts';

/** How the service goes down: not ready, still serving for `delayMs`, then drained, all within `timeoutMs`. */
export interface ShutdownConfig {
  /**
   * How long it goes on taking requests after it said that it is not ready, in ms: the time that the
   * balancer needs to notice. 5000 suits a cluster, 0 a terminal. Less than `timeoutMs`. @default 0
   */
  readonly delayMs?: number | undefined;
  /** After so long, counted from the signal, what is left is cut off, in ms. @default 30000 */
  readonly timeoutMs?: number | undefined;
}

export type ResolvedShutdown = Complete<ShutdownConfig>;

export const shutdownSchema: z.ZodType<ResolvedShutdown, ShutdownConfig> = withRules(
  mapping('a mapping', {
    delayMs: integer(0, MAX_MS).default(0),
    timeoutMs: milliseconds().default(30_000),
  }),
  [
    {
      key: 'delayMs',
      expected: 'less than timeoutMs, which includes it',
      holds: ({ delayMs, timeoutMs }) => !(delayMs >= timeoutMs),
    },
  ],
);
