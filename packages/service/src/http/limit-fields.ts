import type { Quota } from '@sluice/core';

/** The most that an Integer of a structured field can be. @see https://www.rfc-editor.org/rfc/rfc9651#section-3.3.1 */
const MOST = 999_999_999_999_999;
/** Windows closer together than this share of themselves are one: rounding. */
const ROUNDING = 1e-12;

/** Where one limiter stands for one client, just after it decided. */
export interface LimitState {
  readonly quota: Quota;
  /** How long until one permit more than `quota.remaining` is there, in ms; 0 when all of them are. */
  readonly nextMs: number;
}

/**
 * An item of `RateLimit-Policy`: `"public";q=100;w=1` says that whoever sends at most 100 requests in
 * any one second is never refused. `w` knows whole seconds alone: a window that is none is rounded up,
 * which keeps the sentence true. Without `w` when it is beyond what the field can say.
 */
export function policyItem(name: string, { quota }: LimitState): string {
  const w = Math.max(1, wholeSeconds(quota.safeWindowMs * (1 - ROUNDING)));
  return w > MOST ? `"${name}";q=${quota.limit}` : `"${name}";q=${quota.limit};w=${w}`;
}

/**
 * An item of `RateLimit`: `"public";r=50;t=30` says that 50 requests would pass now, and that after 30
 * seconds, rounded up, at least one more would: "the number of seconds until additional quota […] is
 * made available". 0 when nothing is missing.
 */
export function limitItem(name: string, { quota, nextMs }: LimitState): string {
  const t = wholeSeconds(nextMs);
  return t > MOST ? `"${name}";r=${quota.remaining}` : `"${name}";r=${quota.remaining};t=${t}`;
}

/** The three older fields, of the limit that has the least left. Reset: seconds until all of it is there. */
export interface LegacyFields {
  readonly limit: string;
  readonly remaining: string;
  readonly reset: string;
}

export function legacyFields({ quota }: LimitState): LegacyFields {
  return {
    limit: String(quota.limit),
    remaining: String(quota.remaining),
    reset: String(Math.min(MOST, wholeSeconds(quota.resetMs))),
  };
}

function wholeSeconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
