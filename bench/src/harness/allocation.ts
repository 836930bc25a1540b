import { GCProfiler } from 'node:v8';
import { BenchError } from './subject.ts';
import { medianOf } from './statistics.ts';
import { multiple, timedRun, type Entrant } from './round.ts';

/** Flags of a process in which {@link bytesPerOperation} works: a young space so large that a run fits in. */
export const ALLOCATION_FLAGS: readonly string[] = [
  '--expose-gc',
  '--min-semi-space-size=64',
  '--max-semi-space-size=64',
];

const SAMPLES = 5;
const START_ITERATIONS = 50_000;
/** A contender that needs milliseconds for one operation is measured by fewer of them. */
const LONGEST_RUN_MS = 500;
const TRIAL = 20;

/**
 * Heap bytes that one operation allocates, garbage included: what a run of 2n allocates beyond a run
 * of n, so that whatever a run costs once falls away. Warm the entrant up first, since code that is
 * not optimised yet allocates numbers that optimised code keeps in registers. undefined: the least that can be
 * run fills the heap, so that a collection comes between.
 */
export async function bytesPerOperation(entrant: Entrant): Promise<number | undefined> {
  const trial = multiple(TRIAL, entrant.subject);
  const msPerOperation = (await timedRun(entrant, trial)) / trial;
  const affordable = Math.min(START_ITERATIONS, LONGEST_RUN_MS / msPerOperation);
  let iterations = multiple(affordable, entrant.subject);
  const samples: number[] = [];
  while (samples.length < SAMPLES) {
    const short = await heapGrowth(entrant, iterations);
    const long = await heapGrowth(entrant, iterations * 2);
    if (short === undefined || long === undefined) {
      const fewer = multiple(iterations / 2, entrant.subject);
      if (fewer === iterations) return undefined;
      iterations = fewer;
    } else {
      samples.push((long - short) / iterations);
    }
  }
  return Math.max(0, medianOf(samples));
}

/** Bytes by which a run grew the heap, or undefined if a collection came between. */
async function heapGrowth(entrant: Entrant, iterations: number): Promise<number | undefined> {
  if (gc === undefined) throw new BenchError('allocations need --expose-gc');
  gc();
  const profiler = new GCProfiler();
  profiler.start();
  const before = process.memoryUsage().heapUsed;
  await timedRun(entrant, iterations);
  const after = process.memoryUsage().heapUsed;
  return profiler.stop()?.statistics.length === 0 ? after - before : undefined;
}
