import {
  KeyedLimiter,
  type KeyedRequest,
  type Quota,
  type RateLimitedError,
  type RateLimiter,
} from '@sluice/core';

import { legacyFields, limitItem, policyItem, type LimitState } from './limit-fields.ts';

/** What is asked of a limiter with one limit for all. */
type PlainLimiter = Pick<RateLimiter, 'takeAt' | 'peek' | 'refuse' | 'quota' | 'retryAfterMs'>;

/** A limiter of a route, as the configuration names it. */
export interface NamedLimit {
  readonly name: string;
  readonly limiter: PlainLimiter | KeyedLimiter;
  readonly legacyHeaders: boolean;
}

/** A header's name and value. */
export type Field = readonly [name: string, value: string];

/** What became of a request at the limits of its route. */
export interface Admission {
  /** Why it may not come in; undefined when it may. */
  readonly refusal: RateLimitedError | undefined;
  /** The names of the limits that refused it. */
  readonly violated: readonly string[];
  /** What every answer to it says about the limits. */
  readonly fields: readonly Field[];
  /** How long until the limits would let the same client in again, in ms. */
  readonly nextMs: number;
}

/**
 * All the limits of a route: a request takes from all of them or from none, each by its own key. It is
 * decided at once, so that nobody comes in between. O(limits).
 */
export class RouteLimits {
  readonly #members: readonly Member[];
  readonly #legacy: boolean;

  constructor(limits: readonly NamedLimit[]) {
    this.#members = limits.map(memberOf);
    this.#legacy = limits.some(({ legacyHeaders }) => legacyHeaders);
  }

  /** Takes one permit of each, if all have it. Every limiter that refuses counts a refusal. */
  admit(request: KeyedRequest, nowMs: number): Admission {
    const keys = this.#members.map((member) => member.keyOf(request));
    return { ...this.#take(keys, nowMs), ...this.#describe(keys) };
  }

  #take(keys: readonly string[], nowMs: number): Pick<Admission, 'refusal' | 'violated'> {
    const members = this.#members;
    const refuses = (member: Member, i: number): boolean =>
      member.peek(nowMs, keys[i] as string) > 0;
    const refusing = members.length === 1 ? members : members.filter(refuses);
    const violated: string[] = [];
    let longestMs = 0;
    let slowest: Member | undefined;
    // Those that refuse are entered only to be refused, which counts it; else all are entered.
    for (const member of refusing.length > 0 ? refusing : members) {
      const waitMs = member.take(nowMs, keys[members.indexOf(member)] as string);
      if (waitMs <= 0) continue;
      violated.push(member.name);
      if (waitMs > longestMs) [slowest, longestMs] = [member, waitMs];
    }
    return { refusal: slowest?.refuse(longestMs), violated };
  }

  #describe(keys: readonly string[]): Pick<Admission, 'fields' | 'nextMs'> {
    let policies = '';
    let limits = '';
    let nextMs = 0;
    let least: LimitState | undefined;
    for (const [i, member] of this.#members.entries()) {
      const state = member.state(keys[i] as string);
      const { remaining } = state.quota;
      const comma = i === 0 ? '' : ', ';
      policies += comma + policyItem(member.name, state);
      limits += comma + limitItem(member.name, state);
      if (remaining === 0) nextMs = Math.max(nextMs, state.nextMs);
      if (least === undefined || remaining < least.quota.remaining) least = state;
    }
    const fields: Field[] = [
      ['ratelimit-policy', policies],
      ['ratelimit', limits],
    ];
    if (this.#legacy && least) addLegacy(fields, least);
    return { fields, nextMs };
  }
}

function addLegacy(fields: Field[], least: LimitState): void {
  const { limit, remaining, reset } = legacyFields(least);
  fields.push(['x-ratelimit-limit', limit], ['x-ratelimit-remaining', remaining]);
  fields.push(['x-ratelimit-reset', reset]);
}

/** One limiter, plain or keyed, asked in the same words. */
interface Member {
  readonly name: string;
  keyOf(request: KeyedRequest): string;
  /** 0 and a permit taken, or the wait in ms. */
  take(nowMs: number, key: string): number;
  peek(nowMs: number, key: string): number;
  refuse(waitMs: number): RateLimitedError;
  state(key: string): LimitState;
}

function memberOf({ name, limiter }: NamedLimit): Member {
  const stateOf = (quota: Quota, retryAfterMs: (n: number) => number): LimitState => ({
    quota,
    nextMs: quota.remaining >= quota.limit ? 0 : retryAfterMs(quota.remaining + 1),
  });
  if (limiter instanceof KeyedLimiter) {
    return {
      name,
      keyOf: (request) => limiter.keyOf(request),
      take: (nowMs, key) => limiter.takeAt(nowMs, key),
      peek: (nowMs, key) => limiter.peek(nowMs, 1, { key }),
      refuse: (waitMs) => limiter.refuse(waitMs),
      state: (key) => stateOf(limiter.quota(key), (n) => limiter.retryAfterMs(key, n)),
    };
  }
  return {
    name,
    keyOf: () => '',
    take: (nowMs) => limiter.takeAt(nowMs),
    peek: (nowMs) => limiter.peek(nowMs),
    refuse: (waitMs) => limiter.refuse(waitMs),
    state: () => stateOf(limiter.quota(), (n) => limiter.retryAfterMs(n)),
  };
}
