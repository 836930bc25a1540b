import type { LoadSample } from './load-sample.ts';
import type { ScalablePool, ScalablePoolStats, WorkTotals } from './scalable-pool.ts';

/** Puts an interval's looks at a pool together to one sample. Starts anew after each sample. */
export class LoadSampler {
  readonly #pool: ScalablePool;
  #startMs: number;
  #first: ScalablePoolStats;
  #last: ScalablePoolStats;
  #totals: WorkTotals | undefined;
  #looks = 0;
  #active = 0;
  #queued = 0;
  #pressed = 0;

  constructor(pool: ScalablePool, nowMs: number) {
    this.#pool = pool;
    this.#startMs = nowMs;
    this.#first = pool.stats();
    this.#last = this.#first;
    this.#totals = pool.workTotals?.();
  }

  /** Looks that the next sample will be made of. */
  get looks(): number {
    return this.#looks;
  }

  look(): void {
    const stats = this.#pool.stats();
    const wasRefused = (stats.rejected ?? 0) > (this.#last.rejected ?? 0);
    this.#looks++;
    this.#active += stats.active;
    this.#queued += stats.queued;
    if (stats.active >= stats.size && (stats.queued > 0 || wasRefused)) this.#pressed++;
    this.#last = stats;
  }

  /** What there was since the last sample. At least one look and a passed moment are needed. */
  take(nowMs: number): LoadSample {
    const { size, completed } = this.#last;
    const durationMs = nowMs - this.#startMs;
    const totals = this.#pool.workTotals?.();
    const busyMs = spent(this.#totals?.busyMs, totals?.busyMs);
    const cpuMs = spent(this.#totals?.cpuMs, totals?.cpuMs);
    const active = busyMs === undefined ? this.#active / this.#looks : busyMs / durationMs;
    const sample: LoadSample = {
      atMs: nowMs,
      durationMs,
      size,
      active,
      queued: this.#queued / this.#looks,
      completed: Math.max(0, completed - this.#first.completed),
      pressedShare: this.#pressed / this.#looks,
      busyShare: Math.min(1, active / size),
      hasTotals: totals !== undefined,
      cpus: cpuMs === undefined ? undefined : cpuMs / durationMs,
    };
    this.#restart(nowMs, totals);
    return sample;
  }

  #restart(nowMs: number, totals: WorkTotals | undefined): void {
    this.#startMs = nowMs;
    this.#first = this.#last;
    this.#totals = totals;
    this.#looks = 0;
    this.#active = 0;
    this.#queued = 0;
    this.#pressed = 0;
  }
}

/** What was added to a counter. One that fell was reset, and says nothing; nor does one that is no number. */
function spent(before: number | undefined, now: number | undefined): number | undefined {
  return before !== undefined && now !== undefined && now >= before ? now - before : undefined;
}
