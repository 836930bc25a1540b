import { LinkedList, type ListNode } from '../collections/index.ts';
import type { QueueHost } from './discipline.ts';
import type { QueuedJob } from './queued-job.ts';

/** Time is counted in whole µs, up to nine minutes a run: small integers, which a field holds in place. */
const US_PER_MS = 1000;
const LONGEST_US = 2 ** 29;

/** Weight of the newest run in what the runs of a key usually take: they remember about so many. */
const MEMORY = 8;

/** The waiting jobs of one key, first come, first served. Lasts while there are any. */
class Flow extends LinkedList<QueuedJob> implements ListNode<Flow> {
  prev: Flow | undefined = undefined;
  next: Flow | undefined = undefined;
  list: LinkedList<Flow> | undefined = undefined;
  readonly key: string | undefined;
  /** Time that it may use before its turn ends, in µs. Below 0: what it has used of later turns. */
  balanceUs = 0;
  /** What its runs take, in µs; 0 while nothing is known. */
  usualUs = 0;
  /** Whether a run was ever charged to it, so that more may be learned of it. */
  isCharged = false;

  constructor(key: string | undefined) {
    super();
    this.key = key;
  }

  pay(us: number): void {
    this.balanceUs = Math.max(-LONGEST_US, Math.min(this.balanceUs - us, LONGEST_US));
  }
}

/**
 * Shares the time of the lanes between keys, whatever each of them asks for: deficit round robin. Each
 * key is served in turn until it has used the time of a turn, which is that of one mean run; what it
 * uses above that, it does without in later turns. A run is charged with what those of its key usually
 * take, and with the rest when it has ended. A key that is alone is charged nothing.
 *
 * Jobs without a key share as one. O(1), amortised, whatever the number of keys. Only keys with waiting
 * jobs take memory, so a key that has none is forgotten with what it owes.
 * @see M. Shreedhar, G. Varghese: Efficient fair queuing using deficit round robin (IEEE/ACM ToN 4:3, 1996)
 */
export class FairShare implements Iterable<QueuedJob> {
  readonly #queue: QueueHost;
  /** Those with waiting jobs, in the order of their turns. */
  readonly #ring = new LinkedList<Flow>();
  readonly #byKey = new Map<string, Flow>();
  #keyless = new Flow(undefined);
  #size = 0;

  constructor(queue: QueueHost) {
    this.#queue = queue;
  }

  get size(): number {
    return this.#size;
  }

  add(job: QueuedJob): void {
    const flow = job.key === undefined ? this.#keyless : this.#flowOf(job.key);
    flow.append(job);
    if (flow.list === undefined) this.#ring.append(flow);
    this.#size++;
  }

  /** The job that `take` takes, when there is any. */
  head(): QueuedJob | undefined {
    return this.#onTurn()?.first;
  }

  take(): QueuedJob | undefined {
    const flow = this.#onTurn();
    const job = flow?.shift();
    if (flow === undefined || job === undefined) return undefined;
    this.#size--;
    if (flow.size === 0) this.#leave(flow);
    else if (this.#ring.size === 1) flow.balanceUs = 0;
    else this.#charge(flow, job);
    return job;
  }

  remove(job: QueuedJob): void {
    const flow = job.list as Flow;
    flow.remove(job);
    this.#size--;
    if (flow.size === 0) this.#leave(flow);
  }

  /** How many jobs of equal runs would be served before a new one of this key. */
  ahead(key: string | undefined): number {
    const own = key === undefined ? this.#keyless : this.#byKey.get(key);
    const before = own?.size ?? 0;
    const others = this.#ring.size - (before > 0 ? 1 : 0);
    return Math.min(this.#size, before + (before + 1) * others);
  }

  /** The run of a job that was taken here took `runMs`. */
  learn(job: QueuedJob, runMs: number): void {
    const flow = job.origin;
    if (!(flow instanceof Flow) || flow.list === undefined) return;
    const us = Math.min(Math.round(runMs * US_PER_MS), LONGEST_US);
    if (!(us >= 0)) return;
    flow.pay(us - job.tag);
    flow.usualUs =
      flow.usualUs === 0 ? us : flow.usualUs + Math.round((us - flow.usualUs) / MEMORY);
  }

  *[Symbol.iterator](): Generator<QueuedJob, void, undefined> {
    for (const flow of this.#ring) yield* flow;
  }

  #flowOf(key: string): Flow {
    let flow = this.#byKey.get(key);
    if (flow === undefined) {
      flow = new Flow(key);
      this.#byKey.set(key, flow);
    }
    return flow;
  }

  #leave(flow: Flow): void {
    this.#ring.remove(flow);
    if (flow.key !== undefined) this.#byKey.delete(flow.key);
    // One that was charged goes with its charges: what is learned later is not for its successor.
    else if (flow.isCharged) this.#keyless = new Flow(undefined);
  }

  #charge(flow: Flow, job: QueuedJob): void {
    const turnUs = this.#turnUs();
    const costUs = flow.usualUs === 0 ? turnUs : flow.usualUs;
    job.tag = costUs;
    job.origin = flow;
    flow.isCharged = true;
    flow.pay(costUs);
    if (flow.balanceUs < 0) this.#endTurn(flow, turnUs);
  }

  /** The first in the ring that may use more time. Turns pass until one may. */
  #onTurn(): Flow | undefined {
    const ring = this.#ring;
    const { first } = ring;
    if (first === undefined || first.balanceUs >= 0 || ring.size === 1) return first;
    const turnUs = this.#turnUs();
    let richestUs = -LONGEST_US;
    for (let left = ring.size; left > 0; left--) {
      const flow = ring.first!;
      if (flow.balanceUs >= 0) return flow;
      this.#endTurn(flow, turnUs);
      richestUs = Math.max(richestUs, flow.balanceUs);
    }
    this.#passTurns(richestUs, turnUs);
    while (ring.first!.balanceUs < 0) this.#endTurn(ring.first!, turnUs);
    return ring.first;
  }

  /** Whole rounds in which nobody would be served, at once: runs may last thousands of turns. */
  #passTurns(richestUs: number, turnUs: number): void {
    if (richestUs >= 0) return;
    const creditUs = Math.ceil(-richestUs / turnUs) * turnUs;
    for (const flow of this.#ring) flow.pay(-creditUs);
  }

  #endTurn(flow: Flow, turnUs: number): void {
    flow.pay(-turnUs);
    this.#ring.remove(flow);
    this.#ring.append(flow);
  }

  #turnUs(): number {
    const { meanRunMs } = this.#queue;
    const us = Math.round(meanRunMs * US_PER_MS);
    return us >= 1 ? Math.min(us, LONGEST_US) : 1;
  }
}
