import { CircuitBreaker, type CircuitBreakerStats } from '@sluice/core';

import type { ResolvedInterceptorOptions } from './options.ts';

/** So many of the longest unused are looked at when one must go. */
const CANDIDATES = 8;
/** Longest name that a policy may have. */
const LONGEST_NAME = 200;

/**
 * A breaker for each origin, at most `maxOrigins` of them. When one more is needed, one of the longest
 * unused is dropped: the one that says least. A dropped one that was open is forgotten as such: the next
 * request to its origin goes out, and a new breaker counts from nothing. O(1) for an origin that is known.
 */
export class OriginBreakers {
  readonly #options: ResolvedInterceptorOptions;
  /** The longest unused first. */
  readonly #byOrigin = new Map<string, CircuitBreaker>();
  #dropped = 0;

  constructor(options: ResolvedInterceptorOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byOrigin.size;
  }

  /** Breakers that had to go so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The breaker of an origin, as the latest used; undefined for what is no origin of a URL. */
  use(given: string | URL): CircuitBreaker | undefined {
    const origin = typeof given === 'string' && this.#byOrigin.has(given) ? given : originOf(given);
    if (origin === undefined) return undefined;
    const known = this.#byOrigin.get(origin);
    if (known) this.#byOrigin.delete(origin);
    else if (this.#byOrigin.size >= this.#options.maxOrigins) this.#dropOne();
    const used = known ?? this.#make(origin);
    this.#byOrigin.set(origin, used);
    return used;
  }

  /** The breaker of an origin, if it is kept; this is no use of it. */
  get(given: string | URL): CircuitBreaker | undefined {
    const origin = originOf(given);
    return origin === undefined ? undefined : this.#byOrigin.get(origin);
  }

  stats(): Record<string, CircuitBreakerStats> {
    return Object.fromEntries([...this.#byOrigin].map(([origin, each]) => [origin, each.stats()]));
  }

  #make(origin: string): CircuitBreaker {
    const { circuit, name: prefix, registry } = this.#options;
    const name = `${prefix} ${origin}`.slice(0, LONGEST_NAME);
    const made = new CircuitBreaker({ ...circuit, name });
    // A request is not to fail because somebody else has the name.
    if (registry?.get(name) === undefined) registry?.add(made);
    return made;
  }

  #dropOne(): void {
    let chosen: string | undefined;
    let least = Infinity;
    let seen = 0;
    for (const [origin, each] of this.#byOrigin) {
      const weight = weightOf(each.stats());
      if (weight < least) [chosen, least] = [origin, weight];
      if (least === 0 || ++seen === CANDIDATES) break;
    }
    if (chosen !== undefined) this.#drop(chosen);
  }

  #drop(origin: string): void {
    const { registry } = this.#options;
    const dropped = this.#byOrigin.get(origin);
    this.#byOrigin.delete(origin);
    this.#dropped++;
    if (dropped === undefined) return;
    dropped.stop();
    if (registry?.get(dropped.name) === dropped) registry.delete(dropped.name);
  }
}

/** How much is forgotten with a breaker: nothing, some calls, that it is open, what somebody ordered. */
function weightOf({ state, windowCalls, consecutiveFailures }: CircuitBreakerStats): number {
  if (state === 'closed') return windowCalls + consecutiveFailures === 0 ? 0 : 1;
  return state === 'open' || state === 'half-open' ? 2 : 3;
}

function originOf(given: string | URL): string | undefined {
  const url = typeof given === 'string' ? URL.parse(given) : given;
  if (url === null) return undefined;
  return url.origin === 'null' ? undefined : url.origin;
}
