import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as elapse } from 'node:timers/promises';
import { SeededRandom } from '@sluice/core/testing';
import { BenchError, type Sample, type TrialPlan } from '../harness/subject.ts';
import { callersOf, micros, saturate, timedCalls, totals, withPool } from './drive.ts';
import type { PoolMaker } from './pool.ts';
import { bytes, Caller, cpu, empty, nothing, type Work } from './work.ts';

/** What a subject of throughput asks for. */
export interface Throughput {
  readonly work: () => Work;
  readonly threads: number;
  readonly outstanding: number;
}

/** µs per call with so many of them outstanding. */
export function throughputTrial(
  maker: PoolMaker,
  { work, threads, outstanding }: Throughput,
  { warmUpMs, windowMs }: TrialPlan,
): Promise<Sample> {
  return withPool(maker, threads, async (pool) => {
    const callers = callersOf(pool, work(), outstanding);
    await saturate(callers, warmUpMs);
    const { operations, tookMs } = await saturate(callers, windowMs);
    return {
      figure: (tookMs / operations) * 1000,
      further: { 'calls/s': (operations / tookMs) * 1000 },
      ...totals(callers),
    };
  });
}

/** Median µs of a call with nothing else on its way. */
export function aloneTrial(
  maker: PoolMaker,
  work: () => Work,
  { warmUpMs, windowMs }: TrialPlan,
): Promise<Sample> {
  return withPool(maker, 1, async (pool) => {
    const caller = new Caller(pool, work());
    await timedCalls(caller, warmUpMs);
    const took = await timedCalls(caller, windowMs);
    return {
      figure: micros(took, 0.5),
      further: { 'p99 µs': micros(took, 0.99) },
      ...totals([caller]),
    };
  });
}

/** Calls outstanding while the threads are kept busy. */
const LOAD = 1000;
/** The shortest interval that Node can watch, and what a loop without delay shows. */
const RESOLUTION_MS = 1;

/** p99 of what passes between two looks at the clock, 1 ms apart, while two threads are kept busy, in ms. */
export function loopDelayTrial(
  maker: PoolMaker,
  { warmUpMs, windowMs }: TrialPlan,
): Promise<Sample> {
  return withPool(maker, 2, async (pool) => {
    const callers = callersOf(pool, cpu(50), LOAD);
    await saturate(callers, warmUpMs);
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    delay.enable();
    const { operations, tookMs } = await saturate(callers, windowMs * 2);
    delay.disable();
    const ms = (ns: number): number => Math.max(RESOLUTION_MS, ns / 1e6);
    return {
      figure: ms(delay.percentile(99)),
      further: {
        'p50 ms': ms(delay.percentile(50)),
        'max ms': ms(delay.max),
        'calls/s': (operations / tookMs) * 1000,
      },
      ...totals(callers),
    };
  });
}

const SEED = 20_261;
/** A window holds few calls at such rates. */
const PACED_WINDOWS = 4;

/** Median µs of a call when so many a second arrive at random, whatever became of those before. */
export function pacedTrial(
  maker: PoolMaker,
  ratePerSecond: number,
  { warmUpMs, windowMs }: TrialPlan,
): Promise<Sample> {
  return withPool(maker, 1, async (pool) => {
    const warm = callersOf(pool, nothing, 1);
    await saturate(warm, warmUpMs);
    const arrivals = arrivalsMs(ratePerSecond, windowMs * PACED_WINDOWS);
    const callers = callersOf(pool, nothing, arrivals.length);
    const startMs = performance.now();
    const calls = callers.map(async (caller, i) => {
      await elapse((arrivals[i] ?? 0) - (performance.now() - startMs));
      const sentMs = performance.now();
      caller.take(await caller.send());
      return performance.now() - sentMs;
    });
    const took = await Promise.all(calls);
    return {
      figure: micros(took, 0.5),
      further: { 'p99 µs': micros(took, 0.99), calls: took.length },
      ...totals([...warm, ...callers]),
    };
  });
}

/** A Poisson process, the same for every contender. At least one arrival. */
function arrivalsMs(ratePerSecond: number, windowMs: number): number[] {
  const random = new SeededRandom(SEED);
  const gapMs = (): number => (-Math.log(1 - random.next()) / ratePerSecond) * 1000;
  const arrivals = [gapMs()];
  for (let atMs = gapMs(); atMs < windowMs; atMs += gapMs()) arrivals.push(atMs);
  return arrivals;
}

/** Short calls beside long ones. */
export interface Mixture {
  readonly shortMicros: number;
  readonly shortCallers: number;
  readonly longMicros: number;
  /** How many windows make enough long calls. */
  readonly windows: number;
}

/** p99 of the short calls beside one caller of long ones, on two threads, in µs. */
export function mixedTrial(
  maker: PoolMaker,
  { shortMicros, shortCallers, longMicros, windows }: Mixture,
  { warmUpMs, windowMs }: TrialPlan,
): Promise<Sample> {
  return withPool(maker, 2, async (pool) => {
    const short = callersOf(pool, cpu(shortMicros), shortCallers);
    const long = callersOf(pool, cpu(longMicros), 1);
    const drive = async (ms: number): Promise<number[]> => {
      const [took] = await Promise.all([
        Promise.all(short.map((caller) => timedCalls(caller, ms))),
        saturate(long, ms),
      ]);
      return took.flat();
    };
    await drive(warmUpMs);
    const windowsMs = windowMs * windows;
    const took = await drive(windowsMs);
    return {
      figure: micros(took, 0.99),
      further: {
        'p50 µs': micros(took, 0.5),
        'max µs': micros(took, 1),
        'short calls/s': (took.length / windowsMs) * 1000,
      },
      ...totals([...short, ...long]),
    };
  });
}

const TIMEOUT_MS = 50;

/** How long after its timeout an endless loop is rejected, and the next call served, in ms. */
export function stuckTrial(maker: PoolMaker, { warmUpMs }: TrialPlan): Promise<Sample> {
  return withPool(maker, 1, async (pool) => {
    const callers = callersOf(pool, nothing, 1);
    await saturate(callers, warmUpMs);
    const startMs = performance.now();
    const ended = pool.hang?.(TIMEOUT_MS) ?? Promise.reject(new BenchError('cannot end a call'));
    const rejected = await ended.then(
      () => false,
      (error: unknown) => !(error instanceof BenchError),
    );
    const endedMs = performance.now();
    await saturate(callers, 0);
    const servedMs = performance.now();
    const { operations, right } = totals(callers);
    return {
      // A timer may fire a fraction of a ms early.
      figure: Math.max(0.001, endedMs - startMs - TIMEOUT_MS),
      further: { [NEXT_SERVED]: servedMs - endedMs },
      operations: operations + 1,
      right: right + (rejected ? 1 : 0),
    };
  });
}

export const NEXT_SERVED = 'next served, ms';

/** The payloads of the table of hand-overs. */
const payloads: Readonly<Record<string, Work>> = {
  '100 B': bytes(100, false),
  '1 KB': bytes(1024, false),
  '10 KB': bytes(10 * 1024, false),
  '64 KB copied': bytes(64 * 1024, false),
  '1 MB moved': bytes(1024 * 1024, true),
};

/** Median µs of a call that does nothing, by what it carries there and back. */
export function handoverTrial(
  maker: PoolMaker,
  { warmUpMs, windowMs }: TrialPlan,
): Promise<Sample> {
  return withPool(maker, 1, async (pool) => {
    const callers = callersOf(pool, nothing, 1);
    await saturate(callers, warmUpMs);
    const median = async (work: Work): Promise<number> => {
      const caller = new Caller(pool, work);
      callers.push(caller);
      await timedCalls(caller, warmUpMs / 2);
      return micros(await timedCalls(caller, windowMs / 2), 0.5);
    };
    const figure = await median(empty);
    const further: Record<string, number> = {};
    for (const [name, work] of Object.entries(payloads)) further[name] = await median(work);
    return { figure, further, ...totals(callers) };
  });
}
