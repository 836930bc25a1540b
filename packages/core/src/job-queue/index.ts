export type { DisciplineFactory, Newcomer, QueueDiscipline, QueueHost } from './discipline.ts';
export { JobQueue, type QueueSetting } from './job-queue.ts';
export { aQueue, changedQueue, resolveQueueOptions } from './options.ts';
export type { QueueOptions, QueueOrder, ResolvedQueueOptions } from './options.ts';
export { QueuedJob } from './queued-job.ts';
export { resolveStopOptions } from './pool-contract.ts';
export type {
  MapOptions,
  Pool,
  PoolEvents,
  PoolState,
  PoolStats,
  ResolvedStopOptions,
  StopOptions,
  StopResult,
  SubmitOptions,
} from './pool-contract.ts';
export { PoolMap } from './pool-map.ts';
export type { MapPort, MapSource } from './pool-map.ts';
