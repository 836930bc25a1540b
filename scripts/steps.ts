/** One thing to check. */
export interface Step {
  readonly name: string;
  /** Resolves with what is wrong; with an empty text when nothing is. */
  readonly run: () => Promise<string>;
  /** Earlier steps without which this one says nothing. */
  readonly after?: readonly string[];
}

/** What became of a step. */
export interface StepResult {
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'not run';
  readonly durationMs: number;
  /** What there is to read about a step that failed. */
  readonly output: string;
}

/**
 * Runs every step, `atOnce` at a time, and reports each as it ends. Only a step that stands on a
 * failed one is not run.
 */
export async function runSteps(
  steps: readonly Step[],
  atOnce: number,
  report: (result: StepResult) => void,
): Promise<readonly StepResult[]> {
  const lanes = new Lanes(atOnce);
  const results = new Map<string, Promise<StepResult>>();
  const earlier = (name: string): Promise<StepResult> =>
    results.get(name) ?? Promise.reject(new Error(`${name} is no earlier step`));
  const start = async (step: Step): Promise<StepResult> => {
    const before = await Promise.all((step.after ?? []).map(earlier));
    const canRun = before.every(({ state }) => state === 'passed');
    const result = canRun ? await lanes.use(() => timed(step)) : notRun(step);
    report(result);
    return result;
  };
  for (const step of steps) results.set(step.name, start(step));
  return Promise.all(results.values());
}

async function timed({ name, run }: Step): Promise<StepResult> {
  const startedMs = performance.now();
  const output = await run().catch((error: unknown) => String(error));
  const durationMs = performance.now() - startedMs;
  return { name, state: output === '' ? 'passed' : 'failed', durationMs, output };
}

function notRun({ name, after = [] }: Step): StepResult {
  return { name, state: 'not run', durationMs: 0, output: `stands on ${after.join(', ')}` };
}

/** At most `free` tasks at a time, first come, first served. */
class Lanes {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(free: number) {
    this.#free = free;
  }

  async use<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
