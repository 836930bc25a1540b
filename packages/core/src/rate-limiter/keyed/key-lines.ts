import type { Clock } from '../../core/index.ts';
import type { WaitOptions } from '../limiter-options.ts';
import { WaitingRoom, type Turns, type WaitingLine } from '../waiting/index.ts';

/** The lines of a keyed limiter in which somebody waits, by slot, and their one timer. */
export class KeyLines {
  readonly #lines = new Map<number, WaitingLine>();
  readonly #nowMs: () => number;
  readonly #clock: Clock;
  readonly #turnsOf: (slot: number) => Turns;
  #room: WaitingRoom | undefined;

  constructor(clock: Clock, nowMs: () => number, turnsOf: (slot: number) => Turns) {
    this.#clock = clock;
    this.#nowMs = nowMs;
    this.#turnsOf = turnsOf;
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
    this.#room ??= new WaitingRoom(this.#clock, this.#nowMs);
    let line = this.#lines.get(slot);
    if (line === undefined) {
      const emptied = (): void => void this.#lines.delete(slot);
      line = this.#room.openLine({ ...this.#turnsOf(slot), emptied });
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

  serveAll(nowMs: number): void {
    for (const slot of this.#lines.keys()) this.serve(slot, nowMs);
  }

  /** The limits have changed. */
  reckonAnew(nowMs: number): void {
    for (const [slot, line] of this.#lines) {
      line.reckonAnew(nowMs, 1);
      this.serve(slot, nowMs);
    }
  }

  refuseAll(error: unknown, nowMs: number): void {
    for (const [slot, line] of this.#lines) {
      line.refuseAll(error);
      this.serve(slot, nowMs);
    }
  }
}
