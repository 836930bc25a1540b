import type { Random } from '@sluice/core';
import type { ArrivalKind } from './options.ts';

/**
 * When the requests of an open loop are due, in ms after its start. The times are fixed by the
 * schedule alone: neither the answers nor the moment at which one asks can move them.
 */
export interface ArrivalSchedule {
  /** Requests in all. */
  readonly count: number;
  /** Requests not yet taken. */
  readonly left: number;
  /** When the next one is due; Infinity when none is left. */
  readonly nextMs: number;
  /** Goes on to the one after. */
  take(): void;
}

export interface ArrivalOptions {
  /** Requests per second, on average. Above 0. */
  readonly ratePerSecond: number;
  /** Length of the run in ms. Above 0. */
  readonly durationMs: number;
}

/** Lets 0.29 × 100 be 29, not 28. */
const ROUNDING = 1e-6;

/** Requests in a run: rate × duration, rounded down, and never none. */
export function arrivalCount({ ratePerSecond, durationMs }: ArrivalOptions): number {
  return Math.max(1, Math.floor((ratePerSecond * durationMs) / 1000 + ROUNDING));
}

/** The schedule of the kind that is asked for. */
export function arrivalSchedule(
  options: ArrivalOptions & { readonly arrivals: ArrivalKind },
  random: Random,
): ArrivalSchedule {
  return options.arrivals === 'poisson'
    ? new PoissonArrivals(options, random)
    : new ConstantArrivals(options);
}

/** Request k is due at k ÷ rate, computed from k alone, so that no error adds up. O(1). */
export class ConstantArrivals implements ArrivalSchedule {
  readonly count: number;
  readonly #ratePerSecond: number;
  #taken = 0;

  constructor(options: ArrivalOptions) {
    this.count = arrivalCount(options);
    this.#ratePerSecond = options.ratePerSecond;
  }

  get left(): number {
    return this.count - this.#taken;
  }

  get nextMs(): number {
    return this.left > 0 ? (this.#taken * 1000) / this.#ratePerSecond : Infinity;
  }

  take(): void {
    this.#taken += 1;
  }
}

/**
 * Independent arrivals, as from many clients that do not know each other: bursts and gaps instead of
 * even spacing. The run has exactly rate × duration requests; given that number, the times of a
 * Poisson process are as many uniform points in order, and that is what this draws. O(1), one draw a
 * request, nothing stored.
 * @see Bentley and Saxe, Generating Sorted Lists of Random Numbers, ACM TOMS 6 (1980)
 */
export class PoissonArrivals implements ArrivalSchedule {
  readonly count: number;
  readonly #durationMs: number;
  readonly #random: Random;
  #left: number;
  #nextMs = 0;

  constructor(options: ArrivalOptions, random: Random) {
    this.count = arrivalCount(options);
    this.#durationMs = options.durationMs;
    this.#random = random;
    this.#left = this.count;
    this.#draw();
  }

  get left(): number {
    return this.#left;
  }

  get nextMs(): number {
    return this.#nextMs;
  }

  take(): void {
    this.#left -= 1;
    this.#draw();
  }

  /** The least of n uniform points lies at 1 - u^(1/n) of what is left of the run. */
  #draw(): void {
    if (this.#left <= 0) {
      this.#nextMs = Infinity;
      return;
    }
    const share = -Math.expm1(Math.log(1 - this.#random.next()) / this.#left);
    this.#nextMs += share * (this.#durationMs - this.#nextMs);
  }
}
