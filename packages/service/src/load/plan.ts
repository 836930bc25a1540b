import { InvalidOptionsError } from '@sluice/core';
import { findLoadProblems } from './option-problems.ts';
import { LOAD_DEFAULTS, type ArrivalKind, type LoadOptions } from './options.ts';
import { parseStatusRule, type StatusRule } from './status-rule.ts';

/** Sends at a rate, whatever comes back. */
export interface OpenShape {
  readonly loop: 'open';
  readonly ratePerSecond: number;
  readonly arrivals: ArrivalKind;
  readonly maxInFlight: number;
}

/** Keeps a number of requests outstanding. */
export interface ClosedShape {
  readonly loop: 'closed';
  readonly connections: number;
}

export type LoadShape = OpenShape | ClosedShape;

/** Options with all defaults filled in. */
export interface LoadPlan {
  readonly url: URL;
  readonly shape: LoadShape;
  readonly durationMs: number;
  readonly timeoutMs: number;
  readonly method: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string | Uint8Array | undefined;
  readonly succeeds: StatusRule;
}

/**
 * The plan that the options ask for; O(number of options).
 * @throws InvalidOptionsError naming all problems at once.
 */
export function planOf(options: LoadOptions): LoadPlan {
  const problems = findLoadProblems(options);
  if (problems.length > 0) throw new InvalidOptionsError('load', problems);
  return Object.freeze({
    url: new URL(options.url),
    shape: shapeOf(options),
    durationMs: options.durationMs ?? LOAD_DEFAULTS.durationMs,
    timeoutMs: options.timeoutMs ?? LOAD_DEFAULTS.timeoutMs,
    method: options.method ?? (options.body === undefined ? 'GET' : 'POST'),
    headers: options.headers ?? [],
    body: options.body,
    succeeds: parseStatusRule(options.expectStatus ?? LOAD_DEFAULTS.expectStatus)!,
  });
}

function shapeOf(options: LoadOptions): LoadShape {
  if (options.connections !== undefined) {
    return { loop: 'closed', connections: options.connections };
  }
  return {
    loop: 'open',
    ratePerSecond: options.ratePerSecond ?? LOAD_DEFAULTS.ratePerSecond,
    arrivals: options.arrivals ?? LOAD_DEFAULTS.arrivals,
    maxInFlight: options.maxInFlight ?? LOAD_DEFAULTS.maxInFlight,
  };
}
