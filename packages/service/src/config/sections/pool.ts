import type { z } from 'zod';

import { integer, mapping, oneOf, type Complete } from './values.ts';

/** How many requests are worked on at once, and how many may wait for that. */
export interface PoolConfig {
  /** `workers`: asynchronous lanes on the event loop. @default 'workers' */
  readonly kind?: 'workers' | undefined;
  /** Lanes. Integer, 1 to 100,000. @default 10 */
  readonly size?: number | undefined;
  /** Places to wait. Integer, 0 to 1,000,000; 0 refuses what cannot begin at once. @default 1000 */
  readonly queue?: number | undefined;
}

export type ResolvedPool = Complete<PoolConfig>;

export const poolSchema: z.ZodType<ResolvedPool, PoolConfig> = mapping('a pool', {
  kind: oneOf(['workers']).default('workers'),
  size: integer(1, 100_000).default(10),
  queue: integer(0, 1_000_000).default(1000),
});
