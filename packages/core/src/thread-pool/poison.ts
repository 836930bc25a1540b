import { createHash } from 'node:crypto';
import { serialize } from 'node:v8';
import { WorkerCrashedError } from '../core/index.ts';
import { isLargerThan } from './rough-size.ts';
import type { ThreadJob } from './thread-job.ts';

/** Killers that are remembered; the oldest is forgotten. */
const MAX_KEPT = 256;

/** So many workers a task may kill. */
const MAX_KILLS = 2;

/** A killer is tried again after so long, in ms. */
const REMEMBERED_MS = 600_000;

/** Inputs that are larger, in bytes, are not remembered: to know them again would cost each task of the job too much. */
const MAX_INPUT_BYTES = 65_536;

interface Record {
  readonly jobId: number;
  readonly kills: number;
  readonly lastMs: number;
}

/**
 * The tasks under which workers died, by job and input. One that has killed two workers is refused for ten
 * minutes, however often it is submitted. One that succeeds in between was not to blame. Inputs above 64 KiB are
 * left out: such a task may go on killing workers. Costs nothing until a worker dies, then one hash for each task
 * of the job that killed it, for as long as that is remembered.
 */
export class PoisonList {
  /** The oldest first. */
  readonly #kills = new Map<string, Record>();
  /** How many records a job has. */
  readonly #suspects = new Map<number, number>();

  /** A worker died while it ran this task and no other. */
  note(job: ThreadJob, nowMs: number): void {
    this.#expire(nowMs);
    const print = fingerprintOf(job);
    if (print === null) return;
    const jobId = job.kind.definition.id;
    const kills = (this.#kills.get(print)?.kills ?? 0) + 1;
    this.#forget(print);
    this.#kills.set(print, { jobId, kills, lastMs: nowMs });
    this.#suspects.set(jobId, (this.#suspects.get(jobId) ?? 0) + 1);
    const [oldest] = this.#kills.keys();
    if (this.#kills.size > MAX_KEPT && oldest !== undefined) this.#forget(oldest);
  }

  /** The task has ended by itself. */
  clear(job: ThreadJob): void {
    if (!this.#isSuspect(job)) return;
    const print = fingerprintOf(job);
    if (print !== null) this.#forget(print);
  }

  isPoisoned(job: ThreadJob): boolean {
    if (!this.#isSuspect(job)) return false;
    const print = fingerprintOf(job);
    return print !== null && (this.#kills.get(print)?.kills ?? 0) >= MAX_KILLS;
  }

  #isSuspect(job: ThreadJob): boolean {
    if (this.#kills.size === 0) return false;
    this.#expire(job.sinceMs);
    return this.#suspects.has(job.kind.definition.id);
  }

  #expire(nowMs: number): void {
    for (const [print, { lastMs }] of this.#kills) {
      if (nowMs - lastMs <= REMEMBERED_MS) return;
      this.#forget(print);
    }
  }

  #forget(print: string): void {
    const record = this.#kills.get(print);
    if (record === undefined) return;
    this.#kills.delete(print);
    const { jobId } = record;
    const left = (this.#suspects.get(jobId) as number) - 1;
    if (left === 0) this.#suspects.delete(jobId);
    else this.#suspects.set(jobId, left);
  }
}

/** For whoever submits a task that is poisoned. */
export function poisonedError(pool: string, { kind }: ThreadJob): WorkerCrashedError {
  const { name } = kind.definition;
  const message = `${pool}: ${name} with this input has killed two workers and is not run again`;
  return new WorkerCrashedError(pool, message);
}

/** Taken once: the input may be changed, or moved, later on. */
function fingerprintOf(job: ThreadJob): string | null {
  if (job.fingerprint === undefined) job.fingerprint = fingerprint(job);
  return job.fingerprint;
}

/** Null for an input that is too large, and for one that cannot be read: it was transferred, or cannot be cloned. */
function fingerprint({ input, kind }: ThreadJob): string | null {
  try {
    if (isLargerThan(input, MAX_INPUT_BYTES)) return null;
    const bytes = serialize(input);
    if (bytes.length > MAX_INPUT_BYTES) return null;
    return `${kind.definition.id}:${createHash('sha256').update(bytes).digest('base64')}`;
  } catch {
    return null;
  }
}
