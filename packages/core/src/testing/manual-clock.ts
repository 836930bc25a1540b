import type { Clock } from '../core/index.ts';

interface Appointment {
  readonly dueMs: number;
  readonly task: () => void;
}

/**
 * A clock that stands still until it is told to move. Scheduled tasks run in the order of their times,
 * and for equal times in the order in which they were scheduled, each at its own time.
 */
export class ManualClock implements Clock {
  #nowMs: number;
  readonly #epochMs: number;
  #appointments: Appointment[] = [];

  /**
   * @param startMs where `nowMs` begins. @default 0
   * @param epochMs wall time at `nowMs` 0. @default 2026-01-01T00:00:00Z
   */
  constructor(startMs = 0, epochMs: number = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
    this.#epochMs = epochMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallTimeMs(): number {
    return this.#epochMs + this.#nowMs;
  }

  schedule(delayMs: number, task: () => void): () => void {
    const appointment = { dueMs: this.#nowMs + Math.max(0, delayMs), task };
    this.#appointments.push(appointment);
    return () => {
      this.#appointments = this.#appointments.filter((other) => other !== appointment);
    };
  }

  /** How many scheduled tasks have neither run nor been cancelled. */
  get pending(): number {
    return this.#appointments.length;
  }

  /** When the next scheduled task is due; Infinity without one. */
  get nextDueMs(): number {
    return Math.min(Infinity, ...this.#appointments.map(({ dueMs }) => dueMs));
  }

  /** Moves on by `byMs` and runs what falls due, also what those tasks schedule within that time. */
  advance(byMs: number): void {
    this.advanceTo(this.#nowMs + byMs);
  }

  /** Moves on to `atMs`; a time in the past is refused, for a monotonic clock never goes back. */
  advanceTo(atMs: number): void {
    this.#requireAhead(atMs);
    for (let next = this.#takeDue(atMs); next; next = this.#takeDue(atMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.task();
    }
    // A task may have moved the clock further.
    this.#nowMs = Math.max(this.#nowMs, atMs);
  }

  /** Like `advance`, and lets promises settle before and after each scheduled task. */
  async run(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    this.#requireAhead(endMs);
    await settlePromises();
    for (let next = this.#takeDue(endMs); next; next = this.#takeDue(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.task();
      await settlePromises();
    }
    this.#nowMs = Math.max(this.#nowMs, endMs);
    await settlePromises();
  }

  /** Steps the clock back, which a real one must never do, to test what would happen. */
  setBack(byMs: number): void {
    this.#nowMs -= byMs;
  }

  #requireAhead(atMs: number): void {
    if (atMs >= this.#nowMs) return;
    throw new RangeError(
      `ManualClock cannot move from ${this.#nowMs} to ${atMs}: it never goes back. Use setBack().`,
    );
  }

  #takeDue(untilMs: number): Appointment | undefined {
    let first: Appointment | undefined;
    for (const appointment of this.#appointments) {
      if (appointment.dueMs <= untilMs && !(first && first.dueMs <= appointment.dueMs)) {
        first = appointment;
      }
    }
    if (first) this.#appointments = this.#appointments.filter((other) => other !== first);
    return first;
  }
}

/** Lets every promise that can settle without time passing do so (chains of up to 50 hops). */
export async function settlePromises(): Promise<void> {
  for (let hop = 0; hop < 50; hop++) await Promise.resolve();
}
