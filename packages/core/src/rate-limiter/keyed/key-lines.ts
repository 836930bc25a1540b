import type { Clock } from '../../core/index.ts';
import type { WaitOptions } from '../limiter-options.ts';
import { WaitingRoom, Watchers, type Turns, type WaitingLine } from '../waiting/index.ts';

/** What the lines must know of the limit of a slot. */
interface SlotLimits {
  turnsOf(slot: number): Turns;
  /** How long a permit takes, in ms. */
  permitMs(slot: number): number;
}

/** The lines of a keyed limiter in which somebody waits, by slot, and their one timer. */
export class KeyLines {
  readonly #lines = new Map<number, WaitingLine>();
  readonly #nowMs: () => number;
  readonly #clock: Clock;
  readonly #limits: SlotLimits;
  readonly #watchers = new Watchers();
  #room: WaitingRoom | undefined;

  constructor(clock: Clock, nowMs: () => number, limits: SlotLimits) {
    this.#clock = clock;
    this.#nowMs = nowMs;
    this.#limits = limits;
  }

  /** @see RateLimiter.watch */
  watch(watcher: () => void): () => void {
    return this.#watchers.add(watcher);
  }

  /** Slots that somebody waits for. */
  get size(): number {
    return this.#lines.size;
  }

  get waiting(): number {
    let waiting = 0;
    for (const line of this.#lines.values()) waiting += line.size;
    return waiting;
  }

  get(slot: number): WaitingLine | undefined {
    return this.#lines.get(slot);
  }

  join(slot: number, n: number, options: WaitOptions, maxWaiting: number): Promise<void> {
    this.#room ??= new WaitingRoom(this.#clock, this.#nowMs, () => this.#watchers.tell());
    let line = this.#lines.get(slot);
    if (line === undefined) {
      const emptied = (): void => void this.#lines.delete(slot);
      line = this.#room.openLine({ ...this.#limits.turnsOf(slot), emptied });
    }
    const turn = this.#room.join(line, n, options, maxWaiting);
    if (line.size > 0) this.#lines.set(slot, line);
    return turn;
  }

  /** Lets those go whose turn it is: their timer may be late. */
  serve(slot: number, nowMs: number): void {
    const line = this.#lines.get(slot);
    if (line !== undefined) this.#room?.serve(line, nowMs);
  }

  /** Permits of a slot have come back: those whose turn it is go, and the watchers hear of it. */
  gained(slot: number, nowMs: number): void {
    this.serve(slot, nowMs);
    this.#watchers.tell();
  }

  /**
   * Makes a change of the limits, of one slot or of all, and gives those who wait their new turns: what is
   * left of a fixed time is stretched as the time for a permit is.
   */
  change(nowMs: number, change: () => void, slot?: number): void {
    const slots = [...this.#lines.keys()].filter((each) => slot === undefined || each === slot);
    for (const each of slots) this.serve(each, nowMs);
    const before = slots.map((each) => this.#limits.permitMs(each));
    change();
    for (const [i, each] of slots.entries()) {
      const factor = this.#limits.permitMs(each) / (before[i] as number);
      this.#lines.get(each)?.reckonAnew(nowMs, factor);
      this.serve(each, nowMs);
    }
    this.#watchers.tell();
  }

  refuseAll(error: unknown, nowMs: number): void {
    for (const [slot, line] of this.#lines) {
      line.refuseAll(error);
      this.serve(slot, nowMs);
    }
  }
}
