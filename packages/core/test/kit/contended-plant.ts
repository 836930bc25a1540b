import type { Random } from '../../src/index.ts';

/** Tasks per service time when `lanes` work at once. */
export type Capacity = (lanes: number) => number;

/** The Universal Scalability Law: contention and coherence; the peak is at √((1 − contention) / coherence). */
export function scalability(contention: number, coherence: number): Capacity {
  return (n) => n / (1 + contention * (n - 1) + coherence * n * (n - 1));
}

export interface PlantOptions {
  readonly capacity: Capacity;
  readonly serviceMs: number;
  readonly queue: number;
  readonly random: Random;
}

/**
 * A pool whose tasks share one resource, as a birth and death process: Poisson arrivals, exponential
 * work, every running task slowed by the others. Moves by events, with no promise and no timer, so that
 * an hour of it takes a second.
 */
export class ContendedPlant {
  readonly name = 'plant';
  capacity: Capacity;
  serviceMs: number;
  arrivalsPerMs = 0;
  readonly #queueCapacity: number;
  readonly #random: Random;
  #nowMs = 0;
  #size = 1;
  #active = 0;
  #queued = 0;
  #completed = 0;
  #rejected = 0;

  constructor({ capacity, serviceMs, queue, random }: PlantOptions) {
    this.capacity = capacity;
    this.serviceMs = serviceMs;
    this.#queueCapacity = queue;
    this.#random = random;
  }

  get size(): number {
    return this.#size;
  }

  resize(size: number): void {
    this.#size = size;
    this.#fill();
  }

  stats(): {
    size: number;
    active: number;
    queued: number;
    completed: number;
    rejected: number;
  } {
    return {
      size: this.#size,
      active: this.#active,
      queued: this.#queued,
      completed: this.#completed,
      rejected: this.#rejected,
    };
  }

  /** Lets events happen until `untilMs`. Rates hold between events, so it may stop anywhere. */
  advanceTo(untilMs: number): void {
    for (;;) {
      const done = this.#active === 0 ? 0 : this.capacity(this.#active) / this.serviceMs;
      const rate = done + this.arrivalsPerMs;
      this.#nowMs += rate === 0 ? Infinity : -Math.log(1 - this.#random.next()) / rate;
      if (this.#nowMs > untilMs) break;
      if (this.#random.next() * rate < done) this.#finish();
      else this.#arrive();
    }
    this.#nowMs = untilMs;
  }

  #finish(): void {
    this.#active--;
    this.#completed++;
    this.#fill();
  }

  #arrive(): void {
    if (this.#queued >= this.#queueCapacity) this.#rejected++;
    else this.#queued++;
    this.#fill();
  }

  #fill(): void {
    const taken = Math.max(0, Math.min(this.#queued, this.#size - this.#active));
    this.#queued -= taken;
    this.#active += taken;
  }
}
