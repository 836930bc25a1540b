import type { PoolMaker } from './pool.ts';

/** sluice's own pools, in every setting that takes part. */
export const sluicePools: readonly PoolMaker[] = [
  {
    name: 'sluice',
    kind: 'sluice',
    open: async (threads) => (await import('./pools/sluice.ts')).sluicePool(threads),
  },
];
