import {
  InvalidOptionsError,
  shown,
  type ExecuteOptions,
  type RateLimitedError,
} from '../../core/index.ts';
import { GcraAlgorithm, type Taken } from '../algorithms/index.ts';
import { checkCount, timeError } from '../limiter-options.ts';
import { wholePermits } from '../quota.ts';
import type { Turns } from '../waiting/index.ts';
import { KeyLines } from './key-lines.ts';
import { KeyStates } from './key-states.ts';
import { KeyTable, OVERFLOW } from './key-table.ts';
import type { ResolvedKeyed } from './keyed-options.ts';
import type { KeyUse } from './top-keys.ts';

/** Places in the array of numbers that change with every call. */
const NOW = 0;
export const ALLOWED = 1;
export const REJECTED = 2;
export const OVERFLOWED = 3;

/** What was taken in advance, and from whom. */
export interface Reserved extends Taken {
  readonly waitMs: number;
  readonly slot: number;
  readonly era: number;
}

/** All keys of a keyed limiter: which slot is whose, what is in it, who waits for it, and the decisions. */
export class Keys {
  options: ResolvedKeyed;
  readonly table: KeyTable;
  readonly states: KeyStates;
  readonly lines: KeyLines;
  readonly numbers: Float64Array = new Float64Array(4);
  /** Plans given by `setPlan`. */
  readonly assigned: Map<string, string> = new Map();
  readonly #refusal: (waitMs: number) => RateLimitedError;

  constructor(options: ResolvedKeyed, refusal: (waitMs: number) => RateLimitedError) {
    this.options = options;
    this.#refusal = refusal;
    const nowMs = options.clock.nowMs();
    this.numbers[NOW] = -Infinity;
    this.states = new KeyStates(options, nowMs);
    this.lines = new KeyLines(options.clock, () => this.readClock(), this);
    this.table = new KeyTable(options.maxKeys, (slot) => this.#isForgotten(slot));
  }

  get nowMs(): number {
    return this.numbers[NOW] as number;
  }

  decide(slot: number, n: number): number {
    // Not by `nowMs`: a number that a call returns may be allocated.
    const nowMs = this.numbers[NOW] as number;
    const algorithm = this.states.algorithmOf(slot);
    if (n !== 1 && n <= algorithm.capacity) this.checkCount(slot, n);
    if (slot === OVERFLOW) this.count(OVERFLOWED);
    if (n > algorithm.capacity) return this.#refused(Infinity);
    if (this.lines.size > 0) this.serveLine(slot);
    const waits = this.lines.size > 0 && this.lines.get(slot) !== undefined;
    if (waits || this.states.blockedMs(slot, nowMs) > 0) return this.#refused(this.waitMs(slot, n));
    const waitMs = algorithm.tryTake(this.states.placeOf(slot), nowMs, n);
    if (waitMs > 0) return this.#refused(waitMs);
    this.states.use(slot, n);
    this.count(ALLOWED);
    return 0;
  }

  #refused(waitMs: number): number {
    this.count(REJECTED);
    return waitMs;
  }

  /** How long until `n` are there behind `ahead` of others, the block is over and nobody waits any more. */
  waitMs(slot: number, n: number, ahead = 0): number {
    const nowMs = this.nowMs;
    this.serveLine(slot);
    const line = this.lines.get(slot);
    const before = ahead + (line?.permits ?? 0);
    const algorithm = this.states.algorithmOf(slot);
    const waitMs = this.#behindBlock(slot, nowMs, before, (fromMs) =>
      algorithm.waitMs(this.states.placeOf(slot), fromMs, n, before),
    );
    return Math.max(waitMs, line?.lastTurnMs(nowMs) ?? 0);
  }

  /**
   * What `wait` says, with the block of the slot before it. Those ahead leave when it is over, so behind
   * them it is reckoned from there: by what is there then, where the algorithm can tell without moving on
   * to that time, else by what is there now, which is less.
   */
  #behindBlock(
    slot: number,
    nowMs: number,
    ahead: number,
    wait: (fromMs: number) => number,
  ): number {
    const blockedMs = this.states.blockedMs(slot, nowMs);
    if (blockedMs === 0) return wait(nowMs);
    if (ahead === 0) return Math.max(wait(nowMs), blockedMs);
    const tells = this.states.algorithmOf(slot) instanceof GcraAlgorithm;
    return blockedMs + wait(tells ? nowMs + blockedMs : nowMs);
  }

  /** The slot of a key, which gets one if there is room. A look gives it one too: it is soon forgotten. */
  slotFor(key: string): number {
    const known = this.table.slotOf(typeof key === 'string' ? key : this.requireKey({ key }));
    if (known !== OVERFLOW) return known;
    const plan = this.planOf(key);
    const slot = this.table.add(key);
    if (slot === OVERFLOW) return OVERFLOW;
    this.states.reset(slot, plan);
    return slot;
  }

  planOf(key: string): number {
    const assigned = this.assigned.get(key);
    // A plan may have been taken away by `update` since it was assigned.
    if (assigned !== undefined) return this.states.planNumber(assigned);
    const plan = this.options.planOf?.(key);
    if (plan !== undefined) this.requirePlan(plan);
    return this.states.planNumber(plan);
  }

  requirePlan(plan: string): void {
    const { planNames } = this.options;
    if (planNames.includes(plan)) return;
    const expected = `the name of a plan (${planNames.join(', ') || 'there is none'})`;
    throw new InvalidOptionsError(this.options.name, [
      { option: 'plan', expected, got: shown(plan) },
    ]);
  }

  requireKey(options: ExecuteOptions | undefined): string {
    const key: unknown = options?.key;
    if (typeof key === 'string') return key;
    const expected =
      "text: a call through a keyed limiter says whose it is, as in { key: 'client' }";
    throw new InvalidOptionsError(this.options.name, [
      { option: 'key', expected, got: shown(key) },
    ]);
  }

  #isForgotten(slot: number): boolean {
    const nobodyWaits = this.lines.size === 0 || this.lines.get(slot) === undefined;
    return nobodyWaits && this.states.isForgotten(slot, this.numbers[NOW] as number);
  }

  /** What is known of the key that a slot has. */
  useOf(slot: number): KeyUse {
    const nowMs = this.nowMs;
    const [algorithm, place] = [this.states.algorithmOf(slot), this.states.placeOf(slot)];
    return {
      key: this.table.keyOf(slot) as string,
      used: this.states.used(slot),
      available: wholePermits(algorithm, place, nowMs),
      blockedMs: this.states.blockedMs(slot, nowMs),
      plan: this.states.planName(slot),
    };
  }

  turnsOf(slot: number): Turns {
    const states = this.states;
    return {
      turnMs: (nowMs, ahead, n) =>
        this.#behindBlock(slot, nowMs, ahead, (fromMs) =>
          states.algorithmOf(slot).turnMs(states.placeOf(slot), fromMs, ahead, n),
        ),
      take: (nowMs, n) => {
        states.algorithmOf(slot).take(states.placeOf(slot), nowMs, n);
        this.states.use(slot, n);
        this.count(ALLOWED);
      },
      reserve: (nowMs, n) => this.reserve(slot, nowMs, n),
      giveBack: (taken) => void this.#giveBack(taken as Reserved),
      admit: () => this.count(ALLOWED),
      refuse: (waitMs) => {
        this.count(REJECTED);
        return this.#refusal(waitMs);
      },
      ...(this.options.algorithm === 'leaky-bucket'
        ? { maxWaiting: () => states.algorithmOf(slot).capacity }
        : {}),
    };
  }

  serveLine(slot: number): void {
    this.lines.serve(slot, this.nowMs);
  }

  /** Takes `n` for the time at which they are there, and the block of the slot is over. */
  reserve(slot: number, nowMs: number, n: number): Reserved {
    const [algorithm, place] = [this.states.algorithmOf(slot), this.states.placeOf(slot)];
    const blockedMs = this.states.blockedMs(slot, nowMs);
    const fromMs = nowMs + blockedMs;
    const waitMs = algorithm.reserve(place, fromMs, n);
    const era = this.states.eraOf(slot);
    const mark = algorithm.mark(place);
    return { n, mark, dueMs: fromMs + waitMs, waitMs: blockedMs + waitMs, slot, era };
  }

  /** A key that has been forgotten or deleted since has all its permits; so has one with a new slot. */
  cancel(key: string, reserved: Reserved): number {
    const nowMs = this.readClock();
    const { slot } = reserved;
    if (slot !== OVERFLOW && this.table.slotOf(key) !== slot) return 0;
    const back = this.#giveBack(reserved);
    if (back > 0) this.numbers[ALLOWED] = (this.numbers[ALLOWED] as number) - 1;
    this.lines.gained(slot, nowMs);
    return back;
  }

  #giveBack(reserved: Reserved): number {
    const { states } = this;
    const { slot, era } = reserved;
    if (era !== states.eraOf(slot)) return 0;
    return states.algorithmOf(slot).giveBack(states.placeOf(slot), this.nowMs, reserved);
  }

  permitMs(slot: number): number {
    const { windowMs, capacity } = this.states.algorithmOf(slot);
    return windowMs / capacity;
  }

  update(options: ResolvedKeyed, nowMs: number): void {
    this.options = options;
    this.table.maxKeys = options.maxKeys;
    this.states.update(options, nowMs, this.table.slots());
  }

  /** Reads the clock without handing the time out, which would allocate. */
  tick(): void {
    this.tellTime(this.options.clock.nowMs());
  }

  readClock(): number {
    this.tellTime(this.options.clock.nowMs());
    return this.nowMs;
  }

  tellTime(nowMs: number): void {
    const numbers = this.numbers;
    if (nowMs > (numbers[NOW] as number)) {
      if (nowMs === Infinity) throw timeError(this.options.name, nowMs);
      numbers[NOW] = nowMs;
      if (nowMs >= this.states.renewAtMs) {
        this.states.renew(nowMs, this.table.slots());
      }
    } else if (!(nowMs <= (numbers[NOW] as number)) || nowMs === -Infinity) {
      throw timeError(this.options.name, nowMs);
    }
  }

  count(what: number): void {
    this.numbers[what] = (this.numbers[what] as number) + 1;
  }

  checkCount(slot: number, n: number): void {
    checkCount(this.options.name, n, this.states.algorithmOf(slot).capacity);
  }
}
