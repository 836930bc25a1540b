import { BenchError, type Contender, type OperationSubject, type Running } from './subject.ts';

/** How long one round of one contender takes. */
export interface RoundPlan {
  /** The warm-up takes at least so long, and at least so many runs: a batch may be long. */
  readonly warmUpMs: number;
  readonly warmUpRuns: number;
  readonly roundMs: number;
}

/** A contender that is set up, with the subject that says what it must compute. */
export interface Entrant {
  readonly subject: OperationSubject;
  readonly contender: Contender;
  readonly running: Running;
}

/** Runs `iterations` operations and returns how long they took, in ms. @throws BenchError for a wrong checksum. */
export async function timedRun(entrant: Entrant, iterations: number): Promise<number> {
  const startMs = performance.now();
  const checksum = await entrant.running.run(iterations);
  const tookMs = performance.now() - startMs;
  const { subject, contender } = entrant;
  const expected = subject.checksum(iterations);
  if (checksum === expected) return tookMs;
  throw new BenchError(
    `${subject.name}: ${contender.name} returned ${checksum} for ${iterations} operations, expected ${expected}`,
  );
}

/** Runs in growing steps, so that each calls code compiled better than the last. Returns ms per operation of the last step. */
export async function warmUp(entrant: Entrant, plan: RoundPlan): Promise<number> {
  const { warmUpMs, warmUpRuns } = plan;
  const stepMs = warmUpMs / 8;
  let runs = 0;
  let iterations = multiple(1, entrant.subject);
  for (let spentMs = 0; ;) {
    const tookMs = await timedRun(entrant, iterations);
    spentMs += tookMs;
    if (++runs >= warmUpRuns && spentMs >= warmUpMs) return tookMs / iterations;
    const fitting = (stepMs / Math.max(tookMs, 1e-6)) * iterations;
    iterations = multiple(Math.min(fitting, iterations * 10), entrant.subject);
  }
}

/** One round: warm up, pick as many iterations as fill the round, time them. Returns ns per operation. */
export async function measureRound(entrant: Entrant, plan: RoundPlan): Promise<number> {
  const msPerOperation = await warmUp(entrant, plan);
  const iterations = multiple(plan.roundMs / msPerOperation, entrant.subject);
  return ((await timedRun(entrant, iterations)) / iterations) * 1e6;
}

/** The nearest count of iterations that the subject can run, at least one batch. */
export function multiple(iterations: number, { batch = 1 }: OperationSubject): number {
  return Math.max(1, Math.round(iterations / batch)) * batch;
}
