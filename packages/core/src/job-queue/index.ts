export { Alarms } from './alarms.ts';
export type { Alarm } from './alarms.ts';
export { JobQueue } from './job-queue.ts';
