/** Source of chance. Policies draw only through it, so that a test or the simulator can replay a run. */
export interface Random {
  /** Uniform, at least 0 and below 1. */
  next(): number;
}

/** The machine's generator. Not for secrets. */
export const systemRandom: Random = Object.freeze({ next: () => Math.random() });
