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
export { DnsTargets } from './dns/dns-targets.ts';
export type { DnsEvents, DnsNameStats } from './dns/dns-targets.ts';
export type { DnsOptions, DnsTargetsOptions } from './dns/options.ts';
