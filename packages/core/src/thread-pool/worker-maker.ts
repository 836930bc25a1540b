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
    const { execArgv, env, concurrencyPerThread: concurrency, carry, size } = options;
    const maxHeapMb = options.maxHeapMb ?? heapPerWorkerMb(size);
    const isCarrying = carry !== undefined;
    const own = { name, module: setting.module, concurrency, maxHeapMb, isCarrying, execArgv, env };
    return options.isolation === 'process'
      ? new ProcessWorker(own, setting, events)
      : new ThreadWorker(own, setting, events);
  };
}
