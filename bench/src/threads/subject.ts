import type { Limit, Sample, TrialContender, TrialPlan } from '../harness/subject.ts';
import type { PoolMaker } from './pool.ts';

type Trial = (maker: PoolMaker, plan: TrialPlan) => Promise<Sample>;

/** One trial for each pool, under the pool's own name. */
export const contenders = (makers: readonly PoolMaker[], trial: Trial): TrialContender[] =>
  makers.map((maker) => ({
    name: maker.name,
    kind: maker.kind,
    trial: (plan) => trial(maker, plan),
  }));

/** The same pools on so many threads, which their names then say. */
export const onThreads = (
  makers: readonly PoolMaker[],
  threads: number,
  trial: (maker: PoolMaker, threads: number, plan: TrialPlan) => Promise<Sample>,
): TrialContender[] =>
  makers.map((maker) => ({
    name: `${maker.name}, ${threads === 1 ? '1 thread' : `${threads} threads`}`,
    kind: maker.kind,
    trial: (plan) => trial(maker, threads, plan),
  }));

/** sluice at most `max` times the best of the others. */
export const atMost = (max: number, ...to: readonly PoolMaker[]): Limit => ({
  contender: 'sluice',
  of: 'ratio',
  to: to.map(({ name }) => name),
  max,
});
