import { setTimeout as elapse } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { FixedThreadPool } from 'poolifier';
import type { Pool } from '../pool.ts';

/** Its own end waits for an answer of each worker, which now and then never comes. */
const PATIENCE_MS = 200;

export function poolifierPool(threads: number): Pool {
  const path = fileURLToPath(new URL('../workers/poolifier.ts', import.meta.url));
  const pool = new FixedThreadPool(threads, path);
  const workers = pool.workerNodes.map(({ worker }) => worker);
  return {
    caller: (name) => (value, transfer) => pool.execute(value, name, undefined, transfer),
    close: async () => {
      await Promise.race([pool.destroy(), elapse(PATIENCE_MS)]);
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
