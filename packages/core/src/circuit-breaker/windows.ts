import { CountWindow, TimeWindow, type OutcomeWindow } from '../collections/index.ts';
import type { SlidingWindowOptions } from './options.ts';

/** Most calls that `refill` counts one by one. */
const MOST_CALLS = 1_000_000;

export function windowFor(options: SlidingWindowOptions): OutcomeWindow {
  if (options.type === 'count') return new CountWindow(options.size);
  return new TimeWindow({ durationMs: options.durationMs, buckets: options.buckets ?? 10 });
}

/** The window under other options: with the calls that it still can hold, if it is of the same type. */
export function windowAfter(
  window: OutcomeWindow,
  next: SlidingWindowOptions,
  nowMs: number,
): OutcomeWindow {
  if (next.type === 'count' && window instanceof CountWindow) {
    if (next.size !== window.size) window.resize(next.size);
    return window;
  }
  if (next.type === 'time' && window instanceof TimeWindow) {
    window.advanceTo(nowMs);
    window.resize({ durationMs: next.durationMs, buckets: next.buckets ?? 10 });
    return window;
  }
  return windowFor(next);
}

export interface WindowCounts {
  readonly windowCalls: number;
  readonly windowFailures: number;
  readonly windowSlowCalls: number;
}

/**
 * Fills an empty window with so many calls as of now. Failed and slow ones are spread evenly, so that
 * what a smaller window keeps of them has the same rates; more than a million calls are scaled down.
 */
export function refill(window: OutcomeWindow, counts: WindowCounts, nowMs: number): void {
  const calls = Math.min(counts.windowCalls, MOST_CALLS);
  const scaled = (count: number): number =>
    calls === counts.windowCalls ? count : Math.round((count * calls) / counts.windowCalls);
  const failures = scaled(counts.windowFailures);
  const slow = scaled(counts.windowSlowCalls);
  const isNext = (count: number, i: number): boolean =>
    Math.floor((count * (i + 1)) / calls) > Math.floor((count * i) / calls);
  for (let i = 0; i < calls; i++) window.record(nowMs, isNext(failures, i), isNext(slow, i));
}
