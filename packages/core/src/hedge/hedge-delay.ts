import { LatencyWindow } from './latency-window.ts';
import type { ResolvedHedgeOptions } from './options.ts';

/** The percentile is read again so many times a window. */
const READS_PER_WINDOW = 100;

/** How long a try may take before it is hedged: a constant, or a percentile of what calls take now. */
export class HedgeDelay {
  #options: ResolvedHedgeOptions;
  #window: LatencyWindow | undefined;
  #percentileMs = 0;
  /** Until then the percentile stands as it was read. */
  #freshUntilMs = -Infinity;

  constructor(options: ResolvedHedgeOptions) {
    this.#options = options;
    this.update(options);
  }

  /** What is known stays known while the window means the same. */
  update(options: ResolvedHedgeOptions): void {
    const { percentile, windowMs } = options;
    if (percentile === undefined) this.#window = undefined;
    else if (this.#window?.windowMs !== windowMs) this.#window = new LatencyWindow(windowMs);
    this.#options = options;
    this.#freshUntilMs = -Infinity;
  }

  /** Undefined: too few calls are known, so none is hedged. */
  msAt(nowMs: number): number | undefined {
    const { delayMs, percentile, windowMs, minimumCalls, minDelayMs, maxDelayMs } = this.#options;
    if (this.#window === undefined || percentile === undefined) return delayMs;
    if (nowMs < this.#freshUntilMs) return this.#percentileMs;
    const measuredMs = this.#window.percentileAt(nowMs, percentile, minimumCalls);
    if (measuredMs === undefined) return delayMs;
    this.#freshUntilMs = nowMs + windowMs / READS_PER_WINDOW;
    this.#percentileMs = Math.min(Math.max(measuredMs, minDelayMs), maxDelayMs);
    return this.#percentileMs;
  }

  /** Whether it wants to learn how long calls take. */
  get learns(): boolean {
    return this.#window !== undefined;
  }

  /**
   * Learns from a call that succeeded. That of one won by a hedge counts as it is: its first try would have
   * taken longer, and is above the percentile either way.
   */
  learn(durationMs: number, nowMs: number): void {
    this.#window?.record(durationMs, nowMs);
  }
}
