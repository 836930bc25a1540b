import type { LaneJob } from './lane-job.ts';

/** More calls than any heap holds. */
const SLOTS = 2 ** 24;
/** With the slot they fill the whole numbers that V8 keeps without allocating. */
const ROUNDS = 2 ** 7;

/**
 * The jobs of calls that are known by a number below 0. A number is used again after its slot has been used
 * by 127 others, so that one that comes late finds nothing. O(1).
 *
 * Not a Map: one that is filled and emptied all the time moves to a new table again and again, and the tables
 * that it left, once they are old, keep what they held alive until the next full collection.
 */
export class Tickets {
  readonly #jobs: (LaneJob | undefined)[] = [];
  /** The last number of each slot. */
  readonly #last: number[] = [];
  readonly #free: number[] = [];

  give(job: LaneJob): number {
    const slot = this.#free.pop() ?? this.#jobs.length;
    const last = this.#last[slot] ?? 0;
    const round = last === 0 ? 0 : (roundOf(last) + 1) % ROUNDS;
    const ticket = -1 - slot - SLOTS * round;
    this.#jobs[slot] = job;
    this.#last[slot] = ticket;
    return ticket;
  }

  /** Undefined when it has been taken back. */
  jobOf(ticket: number): LaneJob | undefined {
    const slot = slotOf(ticket);
    return this.#last[slot] === ticket ? this.#jobs[slot] : undefined;
  }

  takeBack(ticket: number): void {
    const slot = slotOf(ticket);
    this.#jobs[slot] = undefined;
    this.#free.push(slot);
  }
}

function slotOf(ticket: number): number {
  return (-1 - ticket) % SLOTS;
}

function roundOf(ticket: number): number {
  return Math.trunc((-1 - ticket) / SLOTS);
}
