export { WorkerPool } from './worker-pool.ts';
export type {
  StopOptions,
  StopResult,
  WorkerPoolEvents,
  WorkerPoolOptions,
  WorkerPoolStats,
} from './options.ts';
