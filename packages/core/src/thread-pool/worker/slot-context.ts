import { systemClock } from '../../core/clock.ts';
import type { JobContext } from '../job-types.ts';
import type { TaskExtras } from '../shared/protocol.ts';

/** Where a worker looks whether a call has been ended. */
export interface Cancellations {
  isCancelled(slot: number): boolean;
}

export interface ContextPlace {
  readonly calls: Cancellations;
  readonly worker: string;
  /** What to add to the clock of this thread, in ms, to get the time on the pool's. */
  readonly clockOffsetMs: number;
}

const NO_EXTRAS: TaskExtras = {};

/** What a running job knows of its call. Looks into shared memory whether the call has been ended. */
export class SlotContext implements JobContext {
  readonly #place: ContextPlace;
  readonly #slot: number;
  readonly #extras: TaskExtras;
  #ended = false;
  #wasAborted = false;
  #controller: AbortController | undefined;

  constructor(place: ContextPlace, slot: number, extras: TaskExtras = NO_EXTRAS) {
    this.#place = place;
    this.#slot = slot;
    this.#extras = extras;
  }

  get worker(): string {
    return this.#place.worker;
  }

  get key(): string | undefined {
    return this.#extras.key;
  }

  get attempt(): number {
    return this.#extras.attempt ?? 1;
  }

  get deadlineMs(): number {
    const { deadlineAtMs = Infinity } = this.#extras;
    return Math.max(0, deadlineAtMs - systemClock.nowMs() - this.#place.clockOffsetMs);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      this.look();
      const { signal } = controller;
      // A loop that never yields hears of no event: so whoever asks looks.
      const aborted = (): boolean => {
        this.look();
        return this.#wasAborted;
      };
      Object.defineProperty(signal, 'aborted', { get: aborted });
      Object.defineProperty(signal, 'throwIfAborted', {
        value: () => {
          if (aborted()) throw signal.reason;
        },
      });
    }
    return this.#controller.signal;
  }

  /** Aborts the signal if the call has been ended. */
  look(): void {
    if (!this.#ended && !this.#wasAborted)
      this.#wasAborted = this.#place.calls.isCancelled(this.#slot);
    if (this.#wasAborted && this.#controller?.signal.reason === undefined) {
      this.#controller?.abort(new DOMException('The call was ended early.', 'AbortError'));
    }
  }

  /** The job has settled: its slot is another one's. */
  end(): void {
    this.#ended = true;
  }
}
