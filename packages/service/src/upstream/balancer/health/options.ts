import type { Clock, Random } from '@sluice/core';

import type { Target } from '../target.ts';
import type { HealthThresholds } from './health-verdict.ts';

/** Asks a target how it is. false, or any error: not well. What it does is to end with the signal. */
export type Probe = (target: Target, signal: AbortSignal) => Promise<boolean>;

/** The configuration has checked them. */
export interface HealthCheckOptions {
  /** From the end of a probe to the next one of that target, in ms, give or take a tenth. Above 0. @default 5000 */
  readonly intervalMs?: number | undefined;
  /** A probe without a result counts as bad after so long, in ms. Above 0. @default 1000 */
  readonly timeoutMs?: number | undefined;
  /** @default 2 */
  readonly healthyAfter?: number | undefined;
  /** @default 3 */
  readonly unhealthyAfter?: number | undefined;
}

export interface HealthChecksOptions extends HealthCheckOptions {
  readonly clock: Clock;
  readonly random: Random;
}

export interface ResolvedHealthCheckOptions extends HealthThresholds {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

export function resolveHealthCheckOptions(given: HealthCheckOptions): ResolvedHealthCheckOptions {
  const { intervalMs = 5000, timeoutMs = 1000, healthyAfter = 2, unhealthyAfter = 3 } = given;
  return { intervalMs, timeoutMs, healthyAfter, unhealthyAfter };
}
