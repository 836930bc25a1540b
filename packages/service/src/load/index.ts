export type { LatencySummary, LoadFigures, LoadReport } from './figures.ts';
export type { LoadFlags, ReadFile } from './flags.ts';
export { LOAD_DEFAULTS } from './options.ts';
export type { ClosedShape, LoadShape, OpenShape } from './plan.ts';
export type { TextOutput } from './progress.ts';
export { runLoad } from './run-load.ts';
export type { LoadExitCode, LoadIo } from './run-load.ts';
