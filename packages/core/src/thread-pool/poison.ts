import { createHash } from 'node:crypto';
import { serialize } from 'node:v8';
import { WorkerCrashedError } from '../core/index.ts';
import type { ThreadJob } from './thread-job.ts';

/** Killers that are remembered; the oldest is forgotten. */
const MAX_KEPT = 256;

/** So many workers a task may kill. */
const MAX_KILLS = 2;

/** A killer is tried again after so long, in ms. */
const REMEMBERED_MS = 600_000;

interface Record {
  readonly kills: number;
  readonly lastMs: number;
}

/**
 * The tasks under which workers died, by job and input. One that has killed two workers is refused for ten
 * minutes, however often it is submitted. One that succeeds in between was not to blame. Costs nothing until a
 * worker dies, then a hash for each task of the job that killed it.
 */
export class PoisonList {
  readonly #kills = new Map<string, Record>();
  readonly #suspectJobs = new Set<number>();

  /** A worker died while it ran this task and no other. */
  note(job: ThreadJob, nowMs: number): void {
    const print = fingerprint(job);
    if (print === undefined) return;
    const kills = (this.#find(print, nowMs)?.kills ?? 0) + 1;
    this.#kills.delete(print);
    this.#kills.set(print, { kills, lastMs: nowMs });
    this.#suspectJobs.add(job.kind.definition.id);
    const [oldest] = this.#kills.keys();
    if (this.#kills.size > MAX_KEPT && oldest !== undefined) this.#kills.delete(oldest);
  }

  /** The task has ended by itself. */
  clear(job: ThreadJob): void {
    if (!this.#isSuspect(job)) return;
    const print = fingerprint(job);
    if (print !== undefined) this.#kills.delete(print);
  }

  isPoisoned(job: ThreadJob): boolean {
    if (!this.#isSuspect(job)) return false;
    const print = fingerprint(job);
    return print !== undefined && (this.#find(print, job.sinceMs)?.kills ?? 0) >= MAX_KILLS;
  }

  #isSuspect(job: ThreadJob): boolean {
    return this.#kills.size > 0 && this.#suspectJobs.has(job.kind.definition.id);
  }

  #find(print: string, nowMs: number): Record | undefined {
    const record = this.#kills.get(print);
    if (record === undefined || nowMs - record.lastMs <= REMEMBERED_MS) return record;
    this.#kills.delete(print);
    return undefined;
  }
}

/** For whoever submits a task that is poisoned. */
export function poisonedError(pool: string, { kind }: ThreadJob): WorkerCrashedError {
  const { name } = kind.definition;
  const message = `${pool}: ${name} with this input has killed two workers and is not run again`;
  return new WorkerCrashedError(pool, message);
}

/** Undefined for an input that cannot be read: it was transferred, or cannot be cloned. */
function fingerprint(job: ThreadJob): string | undefined {
  try {
    const hash = createHash('sha256').update(serialize(job.input));
    return `${job.kind.definition.id}:${hash.digest('base64')}`;
  } catch {
    return undefined;
  }
}
