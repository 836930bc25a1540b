import { fileURLToPath } from 'node:url';
import { Tinypool } from 'tinypool';
import type { Pool } from '../pool.ts';

/** What a setting of tinypool is made of; its defaults are 1 and true. */
export interface TinypoolSettings {
  readonly concurrentTasksPerWorker?: number;
  readonly useAtomics?: boolean;
}

export function tinypoolPool(threads: number, settings: TinypoolSettings): Pool {
  const pool = new Tinypool({
    filename: fileURLToPath(new URL('../workers/tinypool.ts', import.meta.url)),
    minThreads: threads,
    maxThreads: threads,
    ...settings,
  });
  return {
    caller: (name) => (value, transfer) =>
      pool.run(value, transfer === undefined ? { name } : { name, transferList: [...transfer] }),
    hang: (timeoutMs) =>
      pool.run(undefined, { name: 'hang', signal: AbortSignal.timeout(timeoutMs) }),
    close: () => pool.destroy(),
  };
}
