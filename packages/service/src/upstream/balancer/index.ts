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
export { HealthChecks } from './health/health-checks.ts';
export type { HealthChecksStats } from './health/health-checks.ts';
export type { HealthCheckOptions, HealthChecksOptions, Probe } from './health/options.ts';
