export { loadHandlers } from './load-handlers.ts';
export type { LoadedHandlers } from './load-handlers.ts';
