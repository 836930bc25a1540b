import { fileURLToPath } from 'node:url';
import workerpool from 'workerpool';
import type { Pool } from '../pool.ts';

export function workerpoolPool(threads: number): Pool {
  const pool = workerpool.pool(
    fileURLToPath(new URL('../workers/workerpool.ts', import.meta.url)),
    {
      minWorkers: threads,
      maxWorkers: threads,
      workerType: 'thread',
    },
  );
  return {
    caller: (name) => (value, transfer) =>
      pool.exec(name, [value], transfer === undefined ? {} : { transfer: [...transfer] }),
    hang: (timeoutMs) => pool.exec('hang', []).timeout(timeoutMs),
    close: async () => {
      await pool.terminate(true);
    },
  };
}
