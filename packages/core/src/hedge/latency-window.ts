import { LogLinearHistogram } from '../collections/index.ts';

/** Parts in which it forgets, of 10 KB each. */
const SLICES = 4;

interface Slice {
  readonly durations: LogLinearHistogram;
  count: number;
}

/**
 * How long the calls of the last `windowMs` took. Forgets a quarter of it at a time, so it looks back for at
 * least three quarters. Told the time; silence clears it. O(1) to record, O(buckets) to read a percentile.
 */
export class LatencyWindow {
  readonly windowMs: number;
  readonly #slices: readonly Slice[] = Array.from({ length: SLICES }, () => ({
    durations: new LogLinearHistogram(),
    count: 0,
  }));
  readonly #sum = new LogLinearHistogram();
  #tick = -Infinity;

  constructor(windowMs: number) {
    this.windowMs = windowMs;
  }

  record(durationMs: number, nowMs: number): void {
    this.#advanceTo(nowMs);
    const slice = this.#sliceAt(this.#tick);
    slice.durations.record(durationMs);
    slice.count++;
  }

  countAt(nowMs: number): number {
    this.#advanceTo(nowMs);
    return this.#slices.reduce((sum, { count }) => sum + count, 0);
  }

  /** Undefined below `minimum` calls. */
  percentileAt(nowMs: number, share: number, minimum: number): number | undefined {
    if (this.countAt(nowMs) < minimum) return undefined;
    this.#sum.reset();
    for (const { durations } of this.#slices) this.#sum.merge(durations);
    return this.#sum.percentile(share);
  }

  #advanceTo(nowMs: number): void {
    const tick = Math.floor((nowMs * SLICES) / this.windowMs);
    // A clock that went back brings nothing back.
    if (!(tick > this.#tick)) return;
    const first = Math.max(this.#tick + 1, tick - SLICES + 1);
    for (let passed = first; passed <= tick; passed++) {
      const slice = this.#sliceAt(passed);
      slice.durations.reset();
      slice.count = 0;
    }
    this.#tick = tick;
  }

  #sliceAt(tick: number): Slice {
    return this.#slices[((tick % SLICES) + SLICES) % SLICES] as Slice;
  }
}
