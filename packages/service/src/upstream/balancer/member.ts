import type { CircuitBreaker, Outcome } from '@sluice/core';

import { FailureRow } from './failure-row.ts';
import { Load } from './load.ts';
import { slowStartWeight } from './slow-start.ts';
import {
  nameOf,
  type Target,
  type TargetAddress,
  type TargetHealth,
  type TargetStats,
} from './target.ts';

/** A target, and all that its set knows of it. */
export class Member implements Target {
  readonly address: TargetAddress;
  readonly name: string;
  readonly #onBreakerChange: () => void;
  #breaker: CircuitBreaker | undefined;
  #isGuarded = false;
  health: TargetHealth = 'unknown';
  readonly load: Load = new Load();
  readonly row: FailureRow = new FailureRow();
  /** Its place among those that may be chosen; -1: it is not there. */
  readyIndex = -1;
  /** Whether its set has it still. */
  isPresent = true;
  #startedMs = -Infinity;
  #requests = 0;
  #succeeded = 0;
  #failed = 0;
  #ignored = 0;

  /** @param onBreakerChange called when the breaker has changed its state. */
  constructor(address: TargetAddress, onBreakerChange: () => void) {
    this.address = Object.freeze({ ...address });
    this.name = nameOf(address);
    this.#onBreakerChange = onBreakerChange;
  }

  get breaker(): CircuitBreaker | undefined {
    return this.#breaker;
  }

  /** One that is new lets all requests in. */
  set breaker(breaker: CircuitBreaker | undefined) {
    this.#breaker?.stop();
    this.#breaker = breaker;
    this.#isGuarded = false;
    breaker?.on('stateChange', ({ to }) => {
      if (breaker !== this.#breaker) return;
      this.#isGuarded = to === 'open' || to === 'half-open' || to === 'forced-open';
      // A probe is to find out how it is now: by what it was before, it would hardly be chosen.
      if (to === 'half-open') this.load.forget();
      this.#onBreakerChange();
    });
  }

  /** Whether its breaker, as it was last found, refuses requests, or lets no more than some probes in. */
  get isGuarded(): boolean {
    return this.#isGuarded;
  }

  get inFlight(): number {
    return this.load.inFlight;
  }

  get isEjected(): boolean {
    return this.row.isEjected;
  }

  get isUsable(): boolean {
    return !this.row.isEjected && this.health !== 'unhealthy';
  }

  /** From now on it gets up to its share slowly; what was known of its speed is of another time. */
  startSlowly(nowMs: number): void {
    this.#startedMs = nowMs;
    this.load.forget();
  }

  weight(nowMs: number, slowStartMs: number): number {
    return slowStartWeight(nowMs - this.#startedMs, slowStartMs);
  }

  send(nowMs: number): void {
    this.#requests++;
    this.load.send(nowMs);
  }

  count(outcome: Outcome): void {
    if (outcome === 'success') this.#succeeded++;
    else if (outcome === 'failure') this.#failed++;
    else this.#ignored++;
  }

  stats(nowMs: number, slowStartMs: number): TargetStats {
    return {
      name: this.name,
      origin: this.address.origin,
      address: this.address.address,
      inFlight: this.inFlight,
      latencyMs: this.load.latencyMs(nowMs),
      health: this.health,
      ejectedForMs: this.isEjected ? Math.max(0, this.row.untilMs - nowMs) : 0,
      ejections: this.row.ejections,
      weight: this.weight(nowMs, slowStartMs),
      breaker: this.breaker?.state,
      requests: this.#requests,
      succeeded: this.#succeeded,
      failed: this.#failed,
      ignored: this.#ignored,
    };
  }
}
