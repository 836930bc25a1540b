import { rotated } from './contest.ts';
import { resultOf, type SubjectResult } from './result.ts';
import { medianOf } from './statistics.ts';
import {
  BenchError,
  type Sample,
  type TrialContender,
  type TrialPlan,
  type TrialSubject,
} from './subject.ts';
import { inChild, type Isolation } from './track.ts';

/** How thoroughly a subject of trials is measured. */
export interface TrialSize extends TrialPlan {
  readonly rounds: number;
  readonly isolation: Isolation;
}

export const TRIAL_FULL: TrialSize = {
  rounds: 3,
  // Until the code of both threads is compiled; before that a pool shows how it begins, not how it runs.
  warmUpMs: 600,
  windowMs: 250,
  isolation: 'process',
};

/** Puts every contender to its trial once; the figures mean nothing. */
export const TRIAL_SMOKE: TrialSize = { rounds: 1, warmUpMs: 0, windowMs: 5, isolation: 'none' };

/**
 * Puts contenders to their trials in interleaved rounds, A B C, B C A, each trial in a process of its own.
 * @throws BenchError when a contender does something else than the subject asks for
 */
export async function trialContest(subject: TrialSubject, size: TrialSize): Promise<SubjectResult> {
  const { warmUpMs, windowMs } = size;
  const plan: TrialPlan = { warmUpMs, windowMs };
  subject.prepare?.();
  const samples = new Map(subject.contenders.map((contender) => [contender, [] as Sample[]]));
  for (let round = 0; round < size.rounds; round++) {
    for (const contender of rotated(subject.contenders, round)) {
      const sample =
        size.isolation === 'none'
          ? await checkedTrial(subject, contender, plan)
          : await inChild<Sample>(subject, contender, { measure: 'trial', plan });
      samples.get(contender)?.push(sample);
    }
  }
  const measured = Array.from(samples, ([{ name, kind }, of]) => ({
    name,
    kind,
    samples: of.map(({ figure }) => figure),
    further: mediansOf(of.map(({ further = {} }) => further)),
  }));
  return resultOf(subject, { figure: subject.figure, bytes: '' }, measured);
}

/** One trial. @throws BenchError when an operation went wrong, or there was none */
export async function checkedTrial(
  subject: TrialSubject,
  contender: TrialContender,
  plan: TrialPlan,
): Promise<Sample> {
  const sample = await contender.trial(plan);
  const { operations, right } = sample;
  if (operations > 0 && right === operations) return sample;
  throw new BenchError(
    `${subject.name}: ${contender.name} did ${right} of ${operations} operations rightly`,
  );
}

/** Column by column, the median over the rounds. */
function mediansOf(rounds: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const columns = Object.keys(rounds[0] ?? {});
  const valuesOf = (column: string): number[] => rounds.map((round) => round[column] ?? Number.NaN);
  return Object.fromEntries(columns.map((column) => [column, medianOf(valuesOf(column))]));
}
