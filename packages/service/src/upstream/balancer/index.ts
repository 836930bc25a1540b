export type { Attempt } from './attempt.ts';
export type {
  EjectionOptions,
  TargetBreakerOptions,
  TargetsChanges,
  TargetsOptions,
} from './options.ts';
export type { Target, TargetAddress, TargetHealth, TargetStats } from './target.ts';
export { Targets } from './targets.ts';
export type { TargetsEvents } from './targets.ts';
