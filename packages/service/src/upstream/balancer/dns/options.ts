import type { Clock, Random } from '@sluice/core';

/** The configuration has checked them. */
export interface DnsOptions {
  /** A name is kept at least so long before it is looked up again, in ms, whatever its TTL. Above 0. @default 1000 */
  readonly minTtlMs?: number | undefined;
  /** And at most so long, in ms. At least `minTtlMs`. @default 60_000 */
  readonly maxTtlMs?: number | undefined;
  /** DNS servers to ask: `ip` or `ip:port`. @default those of the system */
  readonly servers?: readonly string[] | undefined;
}

export interface DnsTargetsOptions extends DnsOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** One query waits so long for an answer, in ms, and is sent twice. Above 0. @default 2000 */
  readonly queryTimeoutMs?: number | undefined;
}

export interface ResolvedDnsOptions {
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
  readonly servers: readonly string[];
}

export function resolveDnsOptions(given: DnsOptions): ResolvedDnsOptions {
  const { minTtlMs = 1000, maxTtlMs = 60_000, servers = [] } = given;
  return { minTtlMs, maxTtlMs, servers };
}
