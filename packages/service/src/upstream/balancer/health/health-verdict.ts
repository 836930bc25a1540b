export interface HealthThresholds {
  /** Good results in a row that make an unhealthy target healthy. Integer, at least 1. */
  readonly healthyAfter: number;
  /** Bad results in a row that make a healthy target unhealthy. Integer, at least 1. */
  readonly unhealthyAfter: number;
}

/** What the results of a target's probes say of it. The first decides alone; then it takes a row of them. */
export class HealthVerdict {
  #isHealthy: boolean | undefined;
  /** Results in a row that say the contrary. */
  #contrary = 0;

  /** undefined before the first result. */
  get isHealthy(): boolean | undefined {
    return this.#isHealthy;
  }

  record(isGood: boolean, { healthyAfter, unhealthyAfter }: HealthThresholds): void {
    if (isGood === this.#isHealthy) {
      this.#contrary = 0;
      return;
    }
    this.#contrary++;
    const needed = isGood ? healthyAfter : unhealthyAfter;
    if (this.#isHealthy !== undefined && this.#contrary < needed) return;
    this.#isHealthy = isGood;
    this.#contrary = 0;
  }
}
