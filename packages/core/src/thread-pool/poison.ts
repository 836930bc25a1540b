import { createHash } from 'node:crypto';
import { serialize } from 'node:v8';
import type { ThreadJob } from './thread-job.ts';

/** Killers that are remembered; the oldest is forgotten. */
const MAX_KEPT = 256;

/** So many workers a task may kill. */
const MAX_KILLS = 2;

/**
 * The tasks under which workers died, by job and input. One that has killed two workers is refused from
 * then on, however often it is submitted. Costs nothing until a worker dies, then a hash for each task
 * of the job that killed it.
 */
export class PoisonList {
  readonly #kills = new Map<string, number>();
  readonly #suspectJobs = new Set<number>();

  /** A worker died while it ran this task and no other. */
  note(job: ThreadJob): void {
    const print = fingerprint(job);
    if (print === undefined) return;
    const kills = (this.#kills.get(print) ?? 0) + 1;
    this.#kills.delete(print);
    this.#kills.set(print, kills);
    this.#suspectJobs.add(job.kind.definition.id);
    const [oldest] = this.#kills.keys();
    if (this.#kills.size > MAX_KEPT && oldest !== undefined) this.#kills.delete(oldest);
  }

  isPoisoned(job: ThreadJob): boolean {
    if (this.#suspectJobs.size === 0 || !this.#suspectJobs.has(job.kind.definition.id))
      return false;
    const print = fingerprint(job);
    return print !== undefined && (this.#kills.get(print) ?? 0) >= MAX_KILLS;
  }
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
