import { burn } from './jobs.ts';

/** Handed to the processes that measure, so that the same work is meant in all of them. */
const VARIABLE = 'SLUICE_BENCH_STEPS_PER_MICRO';
const STEPS = 500_000;
const SAMPLES = 12;

/** Sizes the work by this machine, once for this process and all that it starts. */
export function settlePace(): void {
  process.env[VARIABLE] ??= String(stepsPerMicro());
}

/** Steps of `burn` that take about `micros` µs of a core of this machine. */
export function stepsFor(micros: number): number {
  settlePace();
  return Math.max(1, Math.round(Number(process.env[VARIABLE]) * micros));
}

/** By the fastest of several runs, which nothing interrupted. */
function stepsPerMicro(): number {
  let leastMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < SAMPLES; i++) {
    const startMs = performance.now();
    burn(STEPS);
    leastMs = Math.min(leastMs, performance.now() - startMs);
  }
  return STEPS / (leastMs * 1000);
}
