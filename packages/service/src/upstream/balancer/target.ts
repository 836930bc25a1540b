import type { CircuitBreaker, CircuitState } from '@sluice/core';

/** Where requests may go. */
export interface TargetAddress {
  /** Scheme, host and port, without a path: what `Host` and the name in TLS are made of. */
  readonly origin: string;
  /** The IP address to connect to; undefined: whatever the host of the origin is. */
  readonly address?: string | undefined;
}

/** What health checks have found: `unknown` is used like `healthy`. */
export type TargetHealth = 'unknown' | 'healthy' | 'unhealthy';

/** One of those that an upstream's requests go to. The same object as long as its address is in the set. */
export interface Target {
  readonly address: TargetAddress;
  /** The origin, and the address where there is one: unique within the set. */
  readonly name: string;
  /** undefined where breakers are switched off. */
  readonly breaker: CircuitBreaker | undefined;
  /** Requests under way to it. */
  readonly inFlight: number;
  readonly health: TargetHealth;
  readonly isEjected: boolean;
}

export interface TargetStats {
  readonly name: string;
  readonly origin: string;
  readonly address: string | undefined;
  readonly inFlight: number;
  /** Time to the header of an answer, in ms, as it is weighed when a target is chosen; undefined: nothing is known. */
  readonly latencyMs: number | undefined;
  readonly health: TargetHealth;
  /** How much longer it is ejected, in ms; 0 when it is not. */
  readonly ejectedForMs: number;
  /** Times it was ejected since the start. */
  readonly ejections: number;
  /** Share of its requests that it gets while it starts slowly: 0.1 to 1. */
  readonly weight: number;
  readonly breaker: CircuitState | undefined;
  /** Requests sent to it since the start: those that ended, one of the three that follow, and those under way. */
  readonly requests: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Ended without a word about the target, such as when the client had gone. */
  readonly ignored: number;
}

/** By what two addresses are the same. */
export function nameOf({ origin, address }: TargetAddress): string {
  return address === undefined ? origin : `${origin} (${address})`;
}
