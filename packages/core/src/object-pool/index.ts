export { BufferPool } from './buffer-pool.ts';
export type { BufferPoolOptions, BufferPoolStats, SizeClassStats } from './buffer-pool-options.ts';
export { ObjectPool } from './object-pool.ts';
export type { ObjectPoolOptions, ObjectPoolStats } from './options.ts';
