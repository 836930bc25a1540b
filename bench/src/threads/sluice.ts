import type { PoolMaker } from './pool.ts';

/** sluice's own pools, in every setting that takes part. */
export const sluicePools: readonly PoolMaker[] = [];
