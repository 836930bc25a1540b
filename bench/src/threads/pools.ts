import type { PiscinaSettings } from './pools/piscina.ts';
import type { TinypoolSettings } from './pools/tinypool.ts';
import type { Pool, PoolMaker } from './pool.ts';

/** Calls that a setting of a peer hands ahead to each thread; as many as its own benches do. */
const AHEAD = 16;

const piscina = (name: string, settings: PiscinaSettings): PoolMaker => ({
  name,
  kind: 'peer',
  open: async (threads) => (await import('./pools/piscina.ts')).piscinaPool(threads, settings),
});

const tinypool = (name: string, settings: TinypoolSettings): PoolMaker => ({
  name,
  kind: 'peer',
  open: async (threads) => (await import('./pools/tinypool.ts')).tinypoolPool(threads, settings),
});

const floor = (name: string, coalesced: boolean): PoolMaker => ({
  name,
  kind: 'floor',
  open: async (threads) => (await import('./pools/port.ts')).portPool(threads, coalesced),
});

export const postMessagePool: PoolMaker = floor('postMessage', false);
export const coalescedPool: PoolMaker = floor('postMessage, coalesced', true);

export const piscinaDefault: PoolMaker = piscina('piscina', {});
export const piscina16: PoolMaker = piscina(`piscina, ${AHEAD} a thread`, {
  concurrentTasksPerWorker: AHEAD,
});

/** Every other combination of what Piscina lets one set of its transport. */
export const piscinaOthers: readonly PoolMaker[] = [
  piscina('piscina, atomics async', { atomics: 'async' }),
  piscina('piscina, atomics disabled', { atomics: 'disabled' }),
  piscina(`piscina, ${AHEAD} a thread, atomics async`, {
    concurrentTasksPerWorker: AHEAD,
    atomics: 'async',
  }),
  piscina(`piscina, ${AHEAD} a thread, atomics disabled`, {
    concurrentTasksPerWorker: AHEAD,
    atomics: 'disabled',
  }),
];

export const tinypoolDefault: PoolMaker = tinypool('tinypool', {});

export const tinypoolOthers: readonly PoolMaker[] = [
  tinypool('tinypool, no atomics', { useAtomics: false }),
  tinypool(`tinypool, ${AHEAD} a thread`, { concurrentTasksPerWorker: AHEAD }),
  tinypool(`tinypool, ${AHEAD} a thread, no atomics`, {
    concurrentTasksPerWorker: AHEAD,
    useAtomics: false,
  }),
];

export const workerpool: PoolMaker = {
  name: 'workerpool',
  kind: 'peer',
  open: async (threads) => (await import('./pools/workerpool.ts')).workerpoolPool(threads),
};

export const poolifier: PoolMaker = {
  name: 'poolifier',
  kind: 'peer',
  open: async (threads): Promise<Pool> =>
    (await import('./pools/poolifier.ts')).poolifierPool(threads),
};
