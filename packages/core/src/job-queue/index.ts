export type { DisciplineFactory, Newcomer, QueueDiscipline, QueueHost } from './discipline.ts';
export { JobQueue, type QueueSetting } from './job-queue.ts';
export { aQueue, changedQueue, resolveQueueOptions } from './options.ts';
export type { QueueOptions, QueueOrder, ResolvedQueueOptions } from './options.ts';
export { QueuedJob } from './queued-job.ts';
