import { resultOf, type Measured, type SubjectResult } from './result.ts';
import type { RoundPlan } from './round.ts';
import type { OperationSubject } from './subject.ts';
import { measureBytes, openTrack, type Isolation } from './track.ts';

/** How thoroughly a subject is measured. */
export interface Size extends RoundPlan {
  readonly rounds: number;
  /** Whether allocations are measured too. */
  readonly memory: boolean;
  readonly isolation: Isolation;
}

export const FULL: Size = {
  rounds: 7,
  warmUpMs: 200,
  warmUpRuns: 12,
  roundMs: 300,
  memory: true,
  isolation: 'process',
};

/** Runs every contender and checks what it computes; its figures mean nothing. */
export const SMOKE: Size = {
  rounds: 1,
  warmUpMs: 2,
  warmUpRuns: 1,
  roundMs: 2,
  memory: false,
  isolation: 'none',
};

/**
 * Measures a subject in interleaved rounds, A B C, B C A, C A B, so that neither a slow minute of the
 * machine nor the place in the round falls to one contender alone.
 * @throws BenchError when a contender computes something else than the subject asks for
 */
export async function contest(subject: OperationSubject, size: Size): Promise<SubjectResult> {
  await using track = openTrack(subject, size.isolation);
  const samples = new Map(subject.contenders.map((contender) => [contender, [] as number[]]));
  for (let round = 0; round < size.rounds; round++) {
    for (const contender of rotated(subject.contenders, round)) {
      samples.get(contender)?.push(await track.round(contender, size));
    }
  }
  const measured: Measured[] = [];
  for (const [contender, of] of samples) {
    const { name, kind } = contender;
    const bytes = size.memory ? await measureBytes(subject, contender, size) : undefined;
    measured.push({ name, kind, samples: of, bytes });
  }
  return resultOf(subject, { figure: 'ns/op', bytes: 'B/op' }, measured);
}

/** The items, beginning with another one each round. */
export function rotated<T>(items: readonly T[], round: number): T[] {
  const start = round % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
