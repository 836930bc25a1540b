import { Piscina } from 'piscina';
import type { Pool } from '../pool.ts';

/** What a setting of Piscina is made of; its defaults are 1 and `sync`. */
export interface PiscinaSettings {
  readonly concurrentTasksPerWorker?: number;
  readonly atomics?: 'sync' | 'async' | 'disabled';
}

export function piscinaPool(threads: number, settings: PiscinaSettings): Pool {
  const pool = new Piscina({
    filename: new URL('../workers/piscina.ts', import.meta.url).href,
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
