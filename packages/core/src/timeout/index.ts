export type { TimeoutOptions, TimeoutStrategy } from './options.ts';
export { Timeout } from './timeout.ts';
export type { TimeoutStats } from './timeout.ts';
