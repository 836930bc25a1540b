import { hashString } from '../collections/index.ts';
import { secretSeed } from '../core/index.ts';
import type { JobWorker } from './thread-job.ts';

/** Keys are spread over so many buckets, so that memory does not grow with the keys. A power of two. */
const BUCKETS = 1024;

/** A bucket of which no key was seen for so long, in ms, may move to a worker that has fewer. */
const IDLE_MS = 60_000;

/**
 * Which worker has which keys. A key stays with its worker for as long as that serves and the key, or one of its
 * bucket, is seen once a minute.
 */
export class Affinities {
  readonly #seed = secretSeed();
  readonly #owners: (JobWorker | undefined)[] = new Array<undefined>(BUCKETS).fill(undefined);
  readonly #seenMs = new Float64Array(BUCKETS);

  /** The worker of a key: the one it has, or the one of `workers` with the fewest buckets. Undefined without any. */
  workerOf(key: string, workers: readonly JobWorker[], nowMs: number): JobWorker | undefined {
    const bucket = hashString(key, this.#seed) & (BUCKETS - 1);
    const owner = this.#owners[bucket];
    const isIdle = nowMs - (this.#seenMs[bucket] as number) > IDLE_MS;
    this.#seenMs[bucket] = nowMs;
    if (owner !== undefined && isServing(owner) && !isIdle) return owner;
    // It counts no more where it was.
    this.#owners[bucket] = undefined;
    const chosen = this.#choose(workers.filter((worker) => isServing(worker)));
    this.#owners[bucket] = chosen;
    return chosen;
  }

  #choose(workers: readonly JobWorker[]): JobWorker | undefined {
    const counts = new Map(workers.map((worker) => [worker, 0]));
    for (const owner of this.#owners) {
      const count = owner && counts.get(owner);
      if (owner && count !== undefined) counts.set(owner, count + 1);
    }
    let chosen: JobWorker | undefined;
    for (const [worker, count] of counts) {
      if (chosen === undefined || count < (counts.get(chosen) as number)) chosen = worker;
    }
    return chosen;
  }
}

function isServing(worker: JobWorker): boolean {
  return worker.isReady && (worker.duty === 'serving' || worker.duty === 'outgoing');
}
