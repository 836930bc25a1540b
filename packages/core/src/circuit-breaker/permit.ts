import { judged, outcomeOf, type GatePolicy, type Outcome } from '../core/index.ts';

/**
 * One call that the breaker let in, for work that is no function call, such as a stream or a
 * transaction. Settle it once, by one of its three methods. `using` ignores it if nothing else has
 * settled it by the end of the block.
 */
export class Permit implements Disposable {
  readonly #policy: GatePolicy;
  readonly #ticket: number;
  readonly #startMs: number;
  readonly #forget: (permit: Permit) => void;
  #settled = false;

  constructor(policy: GatePolicy, entry: PermitEntry, forget: (permit: Permit) => void) {
    this.#policy = policy;
    this.#ticket = entry.ticket;
    this.#startMs = entry.nowMs;
    this.#forget = forget;
  }

  /**
   * The work went well.
   * @param durationMs how long it took. @default the time since the permit was given
   * @throws Error when the permit is settled. @throws RangeError when the duration is below 0 or NaN.
   */
  success(durationMs?: number): void {
    if (durationMs !== undefined && !(durationMs >= 0)) {
      const { name } = this.#policy;
      throw new RangeError(
        `${name}: durationMs must be a number of ms, 0 or more, got ${durationMs}`,
      );
    }
    this.#settle('success', durationMs);
  }

  /**
   * The work failed. With the error, it is judged as if a call had rejected with it: refusals from
   * further in are ignored, and the breaker's own `classify` has the last word.
   * @throws Error when the permit is settled.
   */
  failure(error?: unknown): void {
    const settled = { standard: outcomeOf(error), error };
    this.#settle(error === undefined ? 'failure' : judged(this.#policy, settled));
  }

  /**
   * The work says nothing about what the breaker protects.
   * @throws Error when the permit is settled.
   */
  ignore(): void {
    this.#settle('ignored');
  }

  [Symbol.dispose](): void {
    if (!this.#settled) this.ignore();
  }

  #settle(outcome: Outcome, durationMs?: number): void {
    const { name, clock } = this.#policy;
    if (this.#settled) {
      throw new Error(`${name}: the permit is settled already; each is settled exactly once`);
    }
    this.#settled = true;
    this.#forget(this);
    const nowMs = clock.nowMs();
    this.#policy.exit(this.#ticket, outcome, nowMs, durationMs ?? nowMs - this.#startMs);
  }
}

interface PermitEntry {
  readonly ticket: number;
  readonly nowMs: number;
}

/** Hands out permits, and finds those that were dropped: the garbage collector tells. */
export class PermitDesk {
  readonly #policy: GatePolicy;
  readonly #registry: FinalizationRegistry<number>;
  readonly #forget: (permit: Permit) => void;
  lost = 0;

  constructor(policy: GatePolicy, onLost: (ticket: number) => void) {
    this.#policy = policy;
    this.#registry = new FinalizationRegistry((ticket) => {
      this.lost++;
      onLost(ticket);
    });
    this.#forget = (permit) => void this.#registry.unregister(permit);
  }

  issue(ticket: number, nowMs: number): Permit {
    const permit = new Permit(this.#policy, { ticket, nowMs }, this.#forget);
    this.#registry.register(permit, ticket, permit);
    return permit;
  }
}
