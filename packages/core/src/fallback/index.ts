export { Fallback } from './fallback.ts';
export type { FallbackStats } from './fallback.ts';
export type {
  ErrorClass,
  FallbackCase,
  FallbackCases,
  FallbackFunction,
  FallbackOptions,
} from './options.ts';
