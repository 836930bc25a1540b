import type { Outcome } from '../core/index.ts';
import type { SharedOptions } from './rules.ts';
import { Stretch } from './stretch.ts';

/** The probes of one recovery. */
export class Probes {
  #taken = 0;
  #succeeded = 0;
  #failed = 0;
  #slow = 0;
  #patience: Stretch | undefined;

  get underWay(): number {
    return this.#taken - this.#succeeded - this.#failed;
  }

  hasPlace({ permittedCallsInHalfOpen }: SharedOptions): boolean {
    return this.#taken < permittedCallsInHalfOpen;
  }

  /** The patience begins with the first probe under way. */
  enter(nowMs: number, { maxHalfOpenMs }: SharedOptions): void {
    if (this.underWay === 0) this.#patience = new Stretch(nowMs, maxHalfOpenMs);
    this.#taken++;
  }

  /** A probe that says nothing makes place for another. */
  exit(outcome: Outcome, isSlow: boolean): void {
    if (outcome === 'ignored') this.#taken--;
    else if (outcome === 'success') this.#succeeded++;
    else this.#failed++;
    if (isSlow && outcome !== 'ignored') this.#slow++;
  }

  /** How long the probes under way may still take; Infinity when there are none. */
  patienceMs(nowMs: number): number {
    return this.underWay > 0 ? (this.#patience?.leftMs(nowMs) ?? Infinity) : Infinity;
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
