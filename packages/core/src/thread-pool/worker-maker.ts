import { heapPerWorkerMb } from '../core/index.ts';
import type { ResolvedThreadPoolOptions } from './options.ts';
import { ProcessWorker } from './process-worker.ts';
import { ThreadWorker, type House } from './thread-worker.ts';
import type { JobWorker, WorkerEvents } from './thread-job.ts';

export interface MakerSetting extends House {
  readonly module: string | undefined;
  /** Results are here, of a worker that cannot ring in the lobby. */
  readonly onResults: () => void;
}

/** How a pool makes its workers: each by the options as they are then. */
export function workerMaker(
  setting: MakerSetting,
): (name: string, options: ResolvedThreadPoolOptions, events: WorkerEvents) => JobWorker {
  return (name, options, events) => {
    const { execArgv, env, concurrencyPerThread: concurrency } = options;
    const maxHeapMb = heapMbOf(options, setting.cpus);
    const own = { name, module: setting.module, concurrency, maxHeapMb, execArgv, env };
    return options.isolation === 'process'
      ? new ProcessWorker(own, setting, events)
      : new ThreadWorker(own, setting, events);
  };
}

/**
 * Heap of a worker that begins now, in MiB. A share once given cannot be made smaller, and a pool may begin
 * small and grow, by an autoscaler for example: so it is never larger than with a worker for each CPU.
 */
export function heapMbOf(
  { maxHeapMb, size }: Pick<ResolvedThreadPoolOptions, 'maxHeapMb' | 'size'>,
  cpus: number,
): number {
  return maxHeapMb ?? heapPerWorkerMb(Math.max(size, cpus));
}
