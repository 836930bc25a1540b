import { ThreadPool } from '@sluice/core';
import type { JobName } from '../jobs.ts';
import type { Pool } from '../pool.ts';

/** More than any subject has on its way. */
const QUEUE = 10_000;

/** The jobs as the subjects see them, who send any of them any value. */
type Jobs = Readonly<Record<JobName, (value: unknown) => unknown>>;

export function sluicePool(threads: number): Pool {
  const module = new URL('../workers/sluice.ts', import.meta.url);
  const pool = new ThreadPool<Jobs>(module, { size: threads, queue: QUEUE });
  return {
    caller: (name) => (value, transfer) =>
      transfer === undefined ? pool.run(name, value) : pool.run(name, value, { transfer }),
    hang: (timeoutMs) => pool.run('hang', undefined, { timeoutMs }),
    close: async () => {
      await pool.stop({ reject: 'all' });
    },
  };
}
