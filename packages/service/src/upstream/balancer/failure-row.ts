import type { ResolvedEjection } from './options.ts';

/**
 * The failures of one target in a row, and the times it was ejected for them. Told the time; it decides
 * how long the next ejection lasts, not whether it may be.
 * @see https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier
 */
export class FailureRow {
  /** Since the start. */
  ejections = 0;
  #failures = 0;
  /** Whether there was an answer since the last failure. */
  #wasAnswered = false;
  /** How many times the base the last ejection lasted. */
  #multiplier = 0;
  #untilMs = 0;
  #isEjected = false;

  get failures(): number {
    return this.#failures;
  }

  get isEjected(): boolean {
    return this.#isEjected;
  }

  /** When the ejection ends; meaningless without one. */
  get untilMs(): number {
    return this.#untilMs;
  }

  /**
   * The header of an answer is here, and nobody knows how its body ends, nor when: streams may last for
   * hours. It ends a row of requests that were not answered, but not one of bodies that broke.
   */
  answered(): void {
    this.#wasAnswered = true;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** @param hadAnswer whether the failed request had been answered. */
  failed(hadAnswer: boolean): void {
    if (this.#wasAnswered && !hadAnswer) this.#failures = 0;
    this.#wasAnswered = false;
    this.#failures++;
  }

  /** Begins an ejection, and answers how long it lasts, in ms. */
  eject(nowMs: number, { baseMs, maxMs }: ResolvedEjection): number {
    const earned = this.ejections === 0 ? 0 : Math.floor((nowMs - this.#untilMs) / baseMs);
    const most = Math.ceil(maxMs / baseMs);
    this.#multiplier = Math.min(most, Math.max(0, this.#multiplier - Math.max(0, earned)) + 1);
    const forMs = Math.min(maxMs, baseMs * this.#multiplier);
    this.#untilMs = nowMs + forMs;
    this.#isEjected = true;
    this.ejections++;
    return forMs;
  }

  comeBack(nowMs: number): void {
    this.#isEjected = false;
    this.#untilMs = Math.min(this.#untilMs, nowMs);
    this.#failures = 0;
    this.#wasAnswered = false;
  }
}
