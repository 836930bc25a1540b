export type { CallArguments, InlineTask, JobCall, JobCalls, ThreadTask } from './calls.ts';
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
export { ThreadPool } from './thread-pool.ts';
