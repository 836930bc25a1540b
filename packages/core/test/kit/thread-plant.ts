import type { Random } from '../../src/index.ts';

export interface ThreadPlantOptions {
  /** CPUs that so many workers get which compute at the same time. */
  readonly cpusFor: (computing: number) => number;
  /** Share of its own time, with a CPU to itself, in which a task waits inside. @default 0 */
  readonly waitShare?: number;
  /** Time of a task with a CPU to itself, on average. */
  readonly serviceMs: number;
  readonly random: Random;
  /** Whether the CPU time can be told. @default true */
  readonly tellsCpu?: boolean;
}

/** Tasks that may wait for a worker. */
const QUEUE = 100;

/**
 * A pool of threads on CPUs that it may have to share: Poisson arrivals; each task first waits, then computes,
 * both for exponential times, and those that compute share the CPUs. Moves by events, without promises.
 */
export class ThreadPlant {
  readonly name = 'threads';
  cpusFor: (computing: number) => number;
  arrivalsPerMs = 0;
  readonly #waitMs: number;
  readonly #computeMs: number;
  readonly #random: Random;
  readonly #tellsCpu: boolean;
  #nowMs = 0;
  #size = 1;
  #waiting = 0;
  #computing = 0;
  #queued = 0;
  #completed = 0;
  #rejected = 0;
  #busyMs = 0;
  #cpuMs = 0;

  constructor(options: ThreadPlantOptions) {
    const { waitShare = 0, serviceMs } = options;
    this.cpusFor = options.cpusFor;
    this.#waitMs = waitShare * serviceMs;
    this.#computeMs = (1 - waitShare) * serviceMs;
    this.#random = options.random;
    this.#tellsCpu = options.tellsCpu ?? true;
  }

  resize(size: number): void {
    this.#size = size;
    this.#fill();
  }

  stats(): { size: number; active: number; queued: number; completed: number; rejected: number } {
    return {
      size: this.#size,
      active: this.#waiting + this.#computing,
      queued: this.#queued,
      completed: this.#completed,
      rejected: this.#rejected,
    };
  }

  workTotals(): { busyMs: number; cpuMs?: number } {
    return this.#tellsCpu ? { busyMs: this.#busyMs, cpuMs: this.#cpuMs } : { busyMs: this.#busyMs };
  }

  /** Lets events happen until `untilMs`. Rates hold between events, so it may stop anywhere. */
  advanceTo(untilMs: number): void {
    for (;;) {
      const cpus = Math.min(this.#computing, this.cpusFor(this.#computing));
      const toCompute = this.#waiting === 0 ? 0 : this.#waiting / this.#waitMs;
      const done = cpus / this.#computeMs;
      const rate = done + toCompute + this.arrivalsPerMs;
      const nextMs = rate === 0 ? Infinity : this.#nowMs - Math.log(1 - this.#random.next()) / rate;
      const passedMs = Math.min(nextMs, untilMs) - this.#nowMs;
      this.#busyMs += passedMs * (this.#waiting + this.#computing);
      this.#cpuMs += passedMs * cpus;
      this.#nowMs += passedMs;
      if (nextMs > untilMs) return;
      const which = this.#random.next() * rate;
      if (which < done) this.#finish();
      else if (which < done + toCompute) this.#compute();
      else this.#arrive();
    }
  }

  #finish(): void {
    this.#computing--;
    this.#completed++;
    this.#fill();
  }

  #compute(): void {
    this.#waiting--;
    this.#computing++;
  }

  #arrive(): void {
    if (this.#queued >= QUEUE) this.#rejected++;
    else this.#queued++;
    this.#fill();
  }

  #fill(): void {
    const free = this.#size - this.#waiting - this.#computing;
    const taken = Math.max(0, Math.min(this.#queued, free));
    this.#queued -= taken;
    if (this.#waitMs > 0) this.#waiting += taken;
    else this.#computing += taken;
  }
}
