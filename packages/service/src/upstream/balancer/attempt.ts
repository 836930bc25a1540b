import type { CircuitBreaker, Outcome } from '@sluice/core';

import type { Member } from './member.ts';
import type { Target, TargetAddress } from './target.ts';

/** Who is told when an attempt is over. */
export interface AttemptHost {
  attemptEnded(member: Member, nowMs: number): void;
}

/** No ticket: the breaker has been told, or there is none. */
const NO_TICKET = Number.NaN;

/**
 * One request to one target, from its choice to its end. Settle it once, whatever happens: until then it
 * takes one of the target's connections.
 */
export class Attempt {
  readonly #host: AttemptHost;
  readonly #member: Member;
  readonly #breaker: CircuitBreaker | undefined;
  readonly #sentMs: number;
  readonly #isProbe: boolean;
  #ticket: number;
  #latencyMs = Number.NaN;
  #isSettled = false;

  /** @param ticket what the breaker of `member` let it in with. */
  constructor(host: AttemptHost, member: Member, nowMs: number, ticket: number) {
    this.#host = host;
    this.#member = member;
    this.#breaker = member.breaker;
    this.#ticket = member.breaker === undefined ? NO_TICKET : ticket;
    this.#isProbe = member.breaker?.state === 'half-open';
    this.#sentMs = nowMs;
    member.send(nowMs);
  }

  get target(): Target {
    return this.#member;
  }

  get address(): TargetAddress {
    return this.#member.address;
  }

  get name(): string {
    return this.#member.name;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /**
   * The header of an answer is here that is no failure by itself. Its latency counts from now on, a long body
   * is none; and a probe of a breaker has found out what it was sent for.
   * @param latencyMs @default the time since the target was chosen
   * @throws Error when it was answered before, or is settled.
   */
  answered(nowMs: number, latencyMs: number = nowMs - this.#sentMs): void {
    if (this.#isSettled || this.#wasAnswered) {
      throw new Error(
        `${this.name}: the attempt ${this.#isSettled ? 'is settled' : 'was answered'} already`,
      );
    }
    this.#latencyMs = latencyMs;
    this.#member.load.answer(nowMs, this.#sentMs, latencyMs);
    this.#member.row.answered();
    if (this.#isProbe) this.#tellBreaker('success', nowMs, latencyMs);
  }

  /**
   * The request is over. `failure` is what speaks against the target: it was not reached, broke off, was
   * not in time, or answered with a status that counts as one; `ignored` says nothing about it, such as a
   * client that left.
   * @param latencyMs to the header, where `answered` was not called. @default the time since the target was chosen
   * @throws Error when it is settled.
   */
  settle(nowMs: number, outcome: Outcome, latencyMs: number = nowMs - this.#sentMs): void {
    if (this.#isSettled) {
      throw new Error(`${this.name}: the attempt is settled already; each is settled exactly once`);
    }
    this.#isSettled = true;
    const wasAnswered = this.#wasAnswered;
    this.#weigh(nowMs, outcome, latencyMs);
    const { row } = this.#member;
    if (outcome === 'success') row.succeeded();
    else if (outcome === 'failure') row.failed(wasAnswered);
    this.#member.count(outcome);
    this.#host.attemptEnded(this.#member, nowMs);
    // Last, as those who hear that it closed may ask for targets at once.
    this.#tellBreaker(outcome, nowMs, wasAnswered ? this.#latencyMs : latencyMs);
  }

  #weigh(nowMs: number, outcome: Outcome, latencyMs: number): void {
    const { load } = this.#member;
    const wasAnswered = this.#wasAnswered;
    if (!wasAnswered && outcome === 'success') load.answer(nowMs, this.#sentMs, latencyMs);
    else if (!wasAnswered) load.giveUp(this.#sentMs);
    load.end();
    if (outcome === 'failure') {
      load.chargeFailure(nowMs, wasAnswered ? this.#latencyMs : latencyMs);
    } else if (outcome === 'ignored' && !wasAnswered) load.chargeAtLeast(nowMs, latencyMs);
  }

  get #wasAnswered(): boolean {
    return !Number.isNaN(this.#latencyMs);
  }

  #tellBreaker(outcome: Outcome, nowMs: number, durationMs: number): void {
    const ticket = this.#ticket;
    if (Number.isNaN(ticket)) return;
    this.#ticket = NO_TICKET;
    this.#breaker?.exit(ticket, outcome, nowMs, durationMs);
  }
}
