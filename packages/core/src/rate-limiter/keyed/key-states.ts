import type { Algorithm } from '../algorithms/index.ts';
import type { ResolvedKeyed } from './keyed-options.ts';
import { OVERFLOW } from './key-table.ts';

/**
 * The state of all keys, slot by slot in a few typed arrays: the numbers of the algorithm and what the key
 * has used side by side, and where they are needed the plan and the end of a block.
 */
export class KeyStates {
  #options: ResolvedKeyed;
  /** One for the common limit and one for each plan; all read and write the same array. */
  #algorithms: readonly Algorithm[] = [];
  #overflow!: Algorithm;
  /** Numbers of a slot: those of the algorithm with the most, then what the key has used. */
  #stride = 2;
  #state: Float64Array = new Float64Array(0);
  /** Plan of each slot; undefined while there are no plans. */
  #plans: Uint8Array | undefined;
  /** When the block of each slot ends; undefined until somebody is blocked. */
  #blockedUntil: Float64Array | undefined;
  /** Counts for each slot the changes after which a mark says nothing; undefined until there is one. */
  #eras: Uint32Array | undefined;
  /** From this time on `renew` is due. */
  renewAtMs: number = Infinity;

  constructor(options: ResolvedKeyed, nowMs: number) {
    this.#options = options;
    this.#create(options, nowMs);
    this.#ensure(OVERFLOW);
    this.#overflow.reset(OVERFLOW);
  }

  /** The limit that holds for a slot. */
  algorithmOf(slot: number): Algorithm {
    if (slot === OVERFLOW) return this.#overflow;
    return this.#algorithms[this.#planOf(slot)] as Algorithm;
  }

  /** Where the numbers of a slot begin. */
  placeOf(slot: number): number {
    return slot * this.#stride;
  }

  /** Permits that the key of a slot has taken. */
  used(slot: number): number {
    return this.#state[(slot + 1) * this.#stride - 1] as number;
  }

  use(slot: number, n: number): void {
    const place = (slot + 1) * this.#stride - 1;
    // Not by `used`: a number that a call returns may be allocated.
    this.#state[place] = (this.#state[place] as number) + n;
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
    this.#ensure(slot);
    this.#state[(slot + 1) * this.#stride - 1] = 0;
    // What was reserved under another plan goes with it.
    if (this.#planOf(slot) !== plan) this.algorithmOf(slot).reset(this.placeOf(slot));
    if (plan > 0 || this.#plans !== undefined) {
      this.#plans ??= new Uint8Array(this.#slots());
      this.#plans[slot] = plan;
    }
    if (this.#blockedUntil) this.#blockedUntil[slot] = 0;
    this.algorithmOf(slot).reset(this.placeOf(slot));
  }

  /** What was marked in another era cannot be given back. */
  eraOf(slot: number): number {
    return this.#eras === undefined ? 0 : (this.#eras[slot] as number);
  }

  beginEra(slot: number): void {
    this.#eras ??= new Uint32Array(this.#slots());
    this.#eras[slot] = this.eraOf(slot) + 1;
  }

  /** Puts a key on another plan; it keeps its level. */
  changePlan(slot: number, nowMs: number, plan: number): void {
    const before = this.algorithmOf(slot);
    if (before.goesByMark) this.beginEra(slot);
    this.#plans ??= new Uint8Array(this.#slots());
    this.#plans[slot] = plan;
    this.#adopt(slot, nowMs, before, this.placeOf(slot));
  }

  /** A key that is whole may as well have been forgotten: it is like a new one under the new limit. */
  #adopt(slot: number, nowMs: number, before: Algorithm, from: number): void {
    const [after, place] = [this.algorithmOf(slot), this.placeOf(slot)];
    const isWhole = before.forgetsInMs(from, nowMs) === 0;
    after.adopt(place, nowMs, before, from);
    if (!isWhole) return;
    after.reset(place);
    // Nothing of what was taken is missing any more.
    this.beginEra(slot);
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

  /** Makes room for a slot; by a quarter more, as what is held in advance counts as memory of the keys. */
  #ensure(slot: number): void {
    if (slot < this.#slots()) return;
    const slots = Math.min(this.#options.maxKeys + 1, Math.ceil(slot * 1.25) + 16);
    this.#share(longer(this.#state, new Float64Array(slots * this.#stride)));
    if (this.#plans) this.#plans = longer(this.#plans, new Uint8Array(slots));
    if (this.#eras) this.#eras = longer(this.#eras, new Uint32Array(slots));
    if (this.#blockedUntil) {
      this.#blockedUntil = longer(this.#blockedUntil, new Float64Array(slots));
    }
  }

  /** Other limits; every slot keeps its level, and its plan if there is one of that name. O(slots). */
  update(options: ResolvedKeyed, nowMs: number, slots: Iterable<number>): void {
    const [old, oldOverflow, oldStride, oldNames] = [
      this.#algorithms,
      this.#overflow,
      this.#stride,
      this.#options.planNames,
    ];
    const [plans, count, oldState] = [this.#plans, this.#slots(), this.#state];
    this.#options = options;
    this.#create(options, nowMs, { old, oldOverflow });
    // A key that is on no plan, or on one that is gone, has the common limit.
    const renumbered = [0, ...oldNames.map((name) => this.planNumber(name))];
    this.#share(new Float64Array(count * this.#stride));
    this.#overflow.adopt(OVERFLOW, nowMs, oldOverflow, OVERFLOW);
    for (const slot of slots) {
      const plan = plans?.[slot] ?? 0;
      const before = old[plan] as Algorithm;
      if (plans) plans[slot] = renumbered[plan] as number;
      const after = this.algorithmOf(slot);
      const isSuccessor = plan === 0 || renumbered[plan] !== 0;
      const isLost = !isSuccessor || after.constructor !== before.constructor;
      if (isLost && before.goesByMark) this.beginEra(slot);
      this.#adopt(slot, nowMs, before, slot * oldStride);
      this.use(slot, oldState[(slot + 1) * oldStride - 1] as number);
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
    this.#stride = Math.max(...all.map(({ stride }) => stride)) + 1;
    this.renewAtMs = Math.min(...all.map(({ renewAtMs }) => renewAtMs));
  }

  #planOf(slot: number): number {
    return this.#plans === undefined ? 0 : (this.#plans[slot] as number);
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

/** Copies what is there into an array that is longer. */
function longer<Numbers extends Float64Array | Uint32Array | Uint8Array>(
  numbers: Numbers,
  copy: Numbers,
): Numbers {
  copy.set(numbers);
  return copy;
}
