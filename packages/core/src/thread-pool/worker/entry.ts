import { parentPort, workerData } from 'node:worker_threads';
import { STOP, type WorkerNews, type WorkerSetup } from '../shared/protocol.ts';
import type { JobTable } from './job-table.ts';
import { loadJobs } from './load-jobs.ts';
import { WorkerLoop } from './worker-loop.ts';

/** What a worker runs: loads the jobs, says that it is ready, and works until it is told to stop. */
async function main(setup: WorkerSetup): Promise<void> {
  const tell = (news: WorkerNews): void => parentPort?.postMessage(news);
  const jobs = await loadJobs(setup);
  const loop = new WorkerLoop(setup, jobs);
  parentPort?.on('message', (message: unknown) => {
    if (message === STOP) void stop(jobs);
  });
  tell({ kind: 'ready', exports: jobs.names });
  loop.turn();
}

async function stop(jobs: JobTable): Promise<void> {
  await jobs.hooks.onStop?.();
  // Of this thread alone.
  process.exit(0);
}

await main(workerData as WorkerSetup);
