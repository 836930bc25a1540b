import type { PoolState, ResolvedQueueOptions } from '../job-queue/index.ts';
import type { Ledger } from './ledger.ts';
import type { ThreadPoolStats, WorkerStats } from './options.ts';
import type { JobWorker } from './thread-job.ts';

export interface StatsSource {
  readonly state: PoolState;
  readonly size: number;
  readonly concurrency: number;
  readonly queue: ResolvedQueueOptions;
  readonly workers: readonly JobWorker[];
  readonly ledger: Ledger;
}

/** What a pool says of itself. What a worker was handed ahead of its turn counts as queued. */
export function statsOf(source: StatsSource): ThreadPoolStats {
  const { state, size, concurrency, queue, workers, ledger } = source;
  let active = 0;
  for (const { outstanding } of workers) active += Math.min(outstanding, concurrency);
  const { submitted, completed, failed, aborted, expired, rejected, crashes, restarts } = ledger;
  return {
    state,
    size,
    active,
    queued: ledger.live - active,
    queueCapacity: queue.capacity,
    submitted,
    completed,
    failed,
    ignored: 0,
    aborted,
    expired,
    rejected,
    crashes,
    restarts,
    workers: workers.map((worker) => workerStats(worker)),
  };
}

/** What workers have done, in ms. */
export interface WorkTotals {
  readonly busyMs: number;
  /** Left out where the runtime does not tell. */
  readonly cpuMs?: number;
}

/** What the workers have done, those that have left included. */
export function workTotalsOf(ledger: Ledger, workers: readonly JobWorker[]): WorkTotals {
  let { leftBusyMs: busyMs, leftCpuMs: cpuMs } = ledger;
  for (const worker of workers) {
    const use = worker.use();
    busyMs += use.busyMs;
    cpuMs += use.cpuMs;
  }
  return Number.isNaN(cpuMs) ? { busyMs } : { busyMs, cpuMs };
}

function workerStats(worker: JobWorker): WorkerStats {
  const { name, taken: tasks, outstanding, isReady, duty } = worker;
  const isEnding = duty === 'retiring' || duty === 'condemned';
  const state = isEnding ? 'ending' : !isReady ? 'starting' : outstanding > 0 ? 'busy' : 'idle';
  return { name, state, tasks, ...worker.use() };
}
