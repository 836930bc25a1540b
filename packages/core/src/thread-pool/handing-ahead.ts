import type { JobWorker } from './thread-job.ts';

/** Work that a worker may have before it, besides what it is doing, in ms: enough to outlast a wake-up. */
const AHEAD_MS = 1;

/** When a task takes so long, what was handed to its worker after it is taken back, in ms. */
export const STUCK_MS: number = 2;

/** Which worker takes a task now: one that has nothing to do, else the one with the least before it, else none. */
export function pickWorker(
  workers: readonly JobWorker[],
  concurrency: number,
  costMs: number,
): JobWorker | undefined {
  let best: JobWorker | undefined;
  let leastMs = mostBefore(costMs);
  let fewest = concurrency;
  for (const worker of workers) {
    if (!worker.isReady || worker.duty === 'retiring' || worker.duty === 'condemned') continue;
    const { outstanding } = worker;
    if (worker.room === 0) continue;
    if (outstanding === 0) return worker;
    if (outstanding < fewest) {
      fewest = outstanding;
      best = worker;
      leastMs = -1;
    } else if (concurrency === 1 && worker.aheadMs <= leastMs && !worker.isStuck) {
      leastMs = worker.aheadMs;
      best = worker;
    }
  }
  return best;
}

/** Whether this worker takes a task now. */
export function mayTake(worker: JobWorker, concurrency: number, costMs: number): boolean {
  if (!worker.isReady || worker.room === 0) return false;
  if (worker.outstanding < concurrency) return true;
  return concurrency === 1 && !worker.isStuck && worker.aheadMs <= mostBefore(costMs);
}

/**
 * What a task may be handed behind, in ms of expected work: so much that all of it is a millisecond; or one and
 * a half times what it takes itself, so that a worker has the next one at hand when tasks take that long.
 */
function mostBefore(costMs: number): number {
  return costMs <= STUCK_MS ? Math.max(AHEAD_MS - costMs, 1.5 * costMs) : -1;
}
