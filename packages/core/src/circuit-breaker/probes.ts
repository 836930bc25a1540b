import type { Outcome } from '../core/index.ts';
import type { SharedOptions } from './rules.ts';
import { Stretch } from './stretch.ts';

/** Probes of one recovery are told apart by so many numbers, each a fraction of 1 to go into a ticket. */
const NUMBERS = 2 ** 16;
/** Added to the number of a probe whose caller gave it up: half the distance between two of them. */
const GIVEN_UP = 0.5 / NUMBERS;

/** The number of a probe whose caller gave it up, and which has been counted. */
export function givenUp(probe: number): number {
  return probe + GIVEN_UP;
}

export function isGivenUp(probe: number): boolean {
  return (probe * NUMBERS) % 1 !== 0;
}

/** The probes of one recovery. */
export class Probes {
  #taken = 0;
  #succeeded = 0;
  #failed = 0;
  #slow = 0;
  #last = 0;
  /** The patience with each probe under way, by its number, oldest first. */
  readonly #underWay = new Map<number, Stretch>();

  hasPlace({ permittedCallsInHalfOpen }: SharedOptions): boolean {
    return this.#taken < permittedCallsInHalfOpen;
  }

  /** Answers the number of the probe, at least 0 and below 1. */
  enter(nowMs: number, { maxHalfOpenMs }: SharedOptions): number {
    this.#taken++;
    this.#last = (this.#last + 1) % NUMBERS;
    const probe = this.#last / NUMBERS;
    this.#underWay.set(probe, new Stretch(nowMs, maxHalfOpenMs));
    return probe;
  }

  /** A probe that says nothing makes place for another. */
  exit(probe: number, outcome: Outcome, isSlow: boolean): void {
    this.#underWay.delete(isGivenUp(probe) ? probe - GIVEN_UP : probe);
    if (outcome === 'ignored') this.#taken--;
    else if (outcome === 'success') this.#succeeded++;
    else this.#failed++;
    if (isSlow && outcome !== 'ignored') this.#slow++;
  }

  /** How long the probes under way may still take; Infinity when there are none. O(probes under way) */
  patienceMs(nowMs: number): number {
    let leastMs = Infinity;
    for (const patience of this.#underWay.values()) {
      leastMs = Math.min(leastMs, patience.leftMs(nowMs));
    }
    return leastMs;
  }

  /** What the probes that ended decide; undefined: nothing yet. */
  verdict(options: SharedOptions): 'probes-succeeded' | 'probe-failed' | 'probes-slow' | undefined {
    const { permittedCallsInHalfOpen, requiredSuccesses, slowCallRateThreshold } = options;
    if (this.#failed > permittedCallsInHalfOpen - requiredSuccesses) return 'probe-failed';
    if (this.#succeeded < requiredSuccesses) return undefined;
    const ended = this.#succeeded + this.#failed;
    const tooSlow = this.#slow > 0 && this.#slow / ended >= slowCallRateThreshold;
    return tooSlow ? 'probes-slow' : 'probes-succeeded';
  }
}
