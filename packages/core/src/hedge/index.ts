export { Hedge } from './hedge.ts';
export type { HedgeStats } from './hedge.ts';
export type { HedgeOptions } from './options.ts';
