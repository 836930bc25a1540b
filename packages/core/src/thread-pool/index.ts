export type {
  CallArguments,
  DefinedJob,
  InlineTask,
  JobCall,
  JobCalls,
  TaskArguments,
  ThreadTask,
} from './calls.ts';
export { Transferring, withTransfer } from './job-types.ts';
export type {
  InputOf,
  Job,
  JobContext,
  JobHooks,
  JobName,
  JobsOf,
  ResultOf,
  Transferable,
} from './job-types.ts';
export type {
  RunOptions,
  ThreadPoolChanges,
  ThreadPoolEvents,
  ThreadPoolOptions,
  ThreadPoolStats,
  WorkerStats,
} from './options.ts';
export type { ThreadMapOptions } from './thread-map.ts';
export { ThreadPool } from './thread-pool.ts';
