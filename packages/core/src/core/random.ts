/** Source of chance. Policies draw only through it, so that a test or the simulator can replay a run. */
export interface Random {
  /** Uniform, at least 0 and below 1. */
  next(): number;
}

/** The machine's generator. Not for secrets. */
export const systemRandom: Random = Object.freeze({ next: () => Math.random() });

/** Two secret integers of 32 bits, signed, from the generator for secrets. */
export function secretSeed(): readonly [number, number] {
  const [first, second] = crypto.getRandomValues(new Int32Array(2));
  return [first as number, second as number];
}
