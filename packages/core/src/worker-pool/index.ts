export { WorkerPool } from './worker-pool.ts';
export type { WorkerPoolEvents, WorkerPoolOptions, WorkerPoolStats } from './options.ts';
