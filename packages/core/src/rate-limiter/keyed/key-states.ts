import type { Algorithm } from '../algorithms/index.ts';
import type { ResolvedKeyed } from './keyed-options.ts';
import { OVERFLOW } from './key-table.ts';

/**
 * The state of all keys, slot by slot in a few typed arrays: the numbers of the algorithm, and where
 * they are needed the plan and the end of a block.
 */
export class KeyStates {
  #options: ResolvedKeyed;
  /** One for the common limit and one for each plan; all read and write the same array. */
  #algorithms: readonly Algorithm[] = [];
  #overflow!: Algorithm;
  #stride = 1;
  #state: Float64Array = new Float64Array(0);
  /** Plan of each slot; undefined while there are no plans. */
  #plans: Uint8Array | undefined;
  /** When the block of each slot ends; undefined until somebody is blocked. */
  #blockedUntil: Float64Array | undefined;
  /** From this time on `renew` is due. */
  renewAtMs: number = Infinity;

  constructor(options: ResolvedKeyed, nowMs: number) {
    this.#options = options;
    this.#create(options, nowMs);
    this.ensure(1);
    this.#overflow.reset(OVERFLOW);
  }

  /** The limit that holds for a slot. */
  algorithmOf(slot: number): Algorithm {
    if (slot === OVERFLOW) return this.#overflow;
    return this.#algorithms[
      this.#plans === undefined ? 0 : (this.#plans[slot] as number)
    ] as Algorithm;
  }

  /** Where the numbers of a slot begin. */
  placeOf(slot: number): number {
    return slot * this.#stride;
  }

  /** The number of a plan; 0, the common limit, for a name that is none. */
  planNumber(name: string | undefined): number {
    return name === undefined ? 0 : this.#options.planNames.indexOf(name) + 1;
  }

  planName(slot: number): string | undefined {
    return this.#plans && this.#options.planNames[(this.#plans[slot] as number) - 1];
  }

  /** Makes the slot that of a key never seen. */
  reset(slot: number, plan: number): void {
    if (plan > 0 || this.#plans !== undefined) {
      this.#plans ??= new Uint8Array(this.#slots());
      this.#plans[slot] = plan;
    }
    if (this.#blockedUntil) this.#blockedUntil[slot] = 0;
    this.algorithmOf(slot).reset(this.placeOf(slot));
  }

  /** Puts a key on another plan; it keeps its level. */
  changePlan(slot: number, nowMs: number, plan: number): void {
    const before = this.algorithmOf(slot);
    this.#plans ??= new Uint8Array(this.#slots());
    this.#plans[slot] = plan;
    const place = this.placeOf(slot);
    this.algorithmOf(slot).adopt(place, nowMs, before, place);
  }

  /** How long a slot is still blocked, in ms. */
  blockedMs(slot: number, nowMs: number): number {
    if (this.#blockedUntil === undefined || slot === OVERFLOW) return 0;
    return Math.max(0, (this.#blockedUntil[slot] as number) - nowMs);
  }

  block(slot: number, untilMs: number): void {
    this.#blockedUntil ??= new Float64Array(this.#slots());
    this.#blockedUntil[slot] = untilMs;
  }

  isForgotten(slot: number, nowMs: number): boolean {
    if (this.blockedMs(slot, nowMs) > 0) return false;
    return this.algorithmOf(slot).forgetsInMs(this.placeOf(slot), nowMs) === 0;
  }

  /** Makes room for so many slots. */
  ensure(slots: number): void {
    if (this.#slots() >= slots) return;
    this.#share(longer(this.#state, slots * this.#stride));
    if (this.#plans) {
      const plans = new Uint8Array(slots);
      plans.set(this.#plans);
      this.#plans = plans;
    }
    if (this.#blockedUntil) this.#blockedUntil = longer(this.#blockedUntil, slots);
  }

  /** Other limits; every slot keeps its level, and its plan if there is one of that name. O(slots). */
  update(options: ResolvedKeyed, nowMs: number, slots: Iterable<number>): void {
    const [old, oldOverflow, oldStride, oldNames] = [
      this.#algorithms,
      this.#overflow,
      this.#stride,
      this.#options.planNames,
    ];
    const [plans, count] = [this.#plans, this.#slots()];
    this.#options = options;
    this.#create(options, nowMs, { old, oldOverflow });
    // A key that is on no plan, or on one that is gone, has the common limit.
    const renumbered = [0, ...oldNames.map((name) => this.planNumber(name))];
    this.#state = new Float64Array(0);
    this.#share(new Float64Array(count * this.#stride));
    this.#overflow.adopt(OVERFLOW, nowMs, oldOverflow, OVERFLOW);
    for (const slot of slots) {
      const before = old[plans?.[slot] ?? 0] as Algorithm;
      if (plans) plans[slot] = renumbered[plans[slot] as number] as number;
      this.algorithmOf(slot).adopt(this.placeOf(slot), nowMs, before, slot * oldStride);
    }
  }

  /** The same limits with a new origin, so that precision is kept. O(slots). */
  renew(nowMs: number, slots: Iterable<number>): void {
    this.update(this.#options, nowMs, slots);
  }

  #create(
    { kind, limits, planNames, overflowLimit }: ResolvedKeyed,
    nowMs: number,
    previous?: { old: readonly Algorithm[]; oldOverflow: Algorithm },
  ): void {
    const oldNames = this.#options.planNames;
    this.#algorithms = limits.map((limit, i) => {
      const name = planNames[i - 1];
      const before = previous?.old[name === undefined ? 0 : oldNames.indexOf(name) + 1];
      return kind.create(limit, { nowMs, before });
    });
    this.#overflow = kind.create(overflowLimit, { nowMs, before: previous?.oldOverflow });
    const all = [...this.#algorithms, this.#overflow];
    this.#stride = Math.max(...all.map(({ stride }) => stride));
    this.renewAtMs = Math.min(...all.map(({ renewAtMs }) => renewAtMs));
  }

  #share(state: Float64Array): void {
    this.#state = state;
    this.#overflow.state = state;
    for (const algorithm of this.#algorithms) algorithm.state = state;
  }

  #slots(): number {
    return this.#state.length / this.#stride;
  }
}

function longer(numbers: Float64Array, length: number): Float64Array {
  const copy = new Float64Array(length);
  copy.set(numbers);
  return copy;
}
