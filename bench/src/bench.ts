import { contest, FULL, SMOKE, type Size } from './harness/contest.ts';
import type { SubjectResult } from './harness/result.ts';
import type { Subject } from './harness/subject.ts';
import { TRIAL_FULL, TRIAL_SMOKE, trialContest, type TrialSize } from './harness/trial.ts';
import { HTTP_FULL, HTTP_SMOKE, httpContest, type HttpSize } from './http/http-contest.ts';
import type { Command } from './command.ts';

/** How thoroughly to measure subjects of each kind. */
export interface Sizes {
  readonly operation: Size;
  readonly http: HttpSize;
  readonly trial: TrialSize;
}

export const SMOKE_SIZES: Sizes = {
  operation: SMOKE,
  http: HTTP_SMOKE,
  trial: TRIAL_SMOKE,
};

/** Full or smoke, with what the command line changes. */
export function sizesOf(command: Command): Sizes {
  const { smoke, rounds, roundMs, requests, memory, isolation } = command;
  const operation = smoke ? SMOKE : FULL;
  const http = smoke ? HTTP_SMOKE : HTTP_FULL;
  const trial = smoke ? TRIAL_SMOKE : TRIAL_FULL;
  return {
    operation: {
      warmUpMs: operation.warmUpMs,
      warmUpRuns: operation.warmUpRuns,
      rounds: rounds ?? operation.rounds,
      roundMs: roundMs ?? operation.roundMs,
      memory: memory ?? operation.memory,
      isolation: isolation ?? operation.isolation,
    },
    http: {
      ...http,
      rounds: rounds ?? http.rounds,
      requests: requests ?? http.requests,
      idleConnections: memory === false ? 0 : http.idleConnections,
    },
    trial: {
      warmUpMs: trial.warmUpMs,
      rounds: rounds ?? trial.rounds,
      windowMs: roundMs ?? trial.windowMs,
      isolation: isolation ?? trial.isolation,
    },
  };
}

/** Measures one subject of any kind. @throws BenchError when a contender does not do what the subject asks for */
export function measure(subject: Subject, sizes: Sizes): Promise<SubjectResult> {
  if (subject.kind === 'http') return httpContest(subject, sizes.http);
  if (subject.kind === 'trial') return trialContest(subject, sizes.trial);
  return contest(subject, sizes.operation);
}
