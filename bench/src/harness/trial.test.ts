import { expect, test } from 'vitest';
import type { Sample, TrialContender } from './subject.ts';
import { duellists, trialSubjectOf } from './testing/trials.ts';
import { TRIAL_SMOKE, trialContest } from './trial.ts';

const sample = (figure: number, further: Readonly<Record<string, number>> = {}): Sample => ({
  figure,
  further,
  operations: 3,
  right: 3,
});

/** Shows these samples, one a round. */
const showing = (name: string, ...samples: readonly Sample[]): TrialContender => {
  let round = 0;
  return { name, kind: 'peer', trial: async () => samples[round++] ?? sample(Number.NaN) };
};

test('a trial’s figure is the median over the rounds, and so is every further column', async () => {
  const contender = showing(
    'A',
    sample(5, { p99: 50 }),
    sample(1, { p99: 90 }),
    sample(3, { p99: 70 }),
  );
  const subject = trialSubjectOf('medians', [contender]);
  const { rows, units } = await trialContest(subject, { ...TRIAL_SMOKE, rounds: 3 });
  expect(units.figure).toBe('figure');
  expect(rows).toMatchObject([{ figure: { median: 3, min: 1, max: 5 }, further: { p99: 70 } }]);
});

test('trials are interleaved, and each round begins with another contender', async () => {
  const order: string[] = [];
  const noting = (name: string): TrialContender => ({
    name,
    kind: 'peer',
    trial: async () => {
      order.push(name);
      return sample(1);
    },
  });
  const subject = trialSubjectOf('order', ['A', 'B', 'C'].map(noting));
  await trialContest(subject, { ...TRIAL_SMOKE, rounds: 3 });
  expect(order.join('')).toBe('ABCBCACAB');
});

test.each([
  [{ figure: 1, operations: 3, right: 2 }, 'wrong did 2 of 3 operations rightly'],
  [{ figure: 1, operations: 0, right: 0 }, 'wrong did 0 of 0 operations rightly'],
])(
  'a trial of which an operation went wrong, or that had none, fails the bench',
  async (shown, reason) => {
    const subject = trialSubjectOf('checked', [showing('wrong', shown)]);
    await expect(trialContest(subject, TRIAL_SMOKE)).rejects.toThrow(reason);
  },
);

test('what a subject prepares is done once, before the first trial', async () => {
  const order: string[] = [];
  const trial = async (): Promise<Sample> => {
    order.push('trial');
    return sample(1);
  };
  const subject = trialSubjectOf('prepared', [{ name: 'A', kind: 'peer', trial }]);
  const prepare = (): void => void order.push('prepare');
  await trialContest({ ...subject, prepare }, { ...TRIAL_SMOKE, rounds: 2 });
  expect(order).toEqual(['prepare', 'trial', 'trial']);
});

test('a trial in a process of its own reports its sample here', async () => {
  const { rows } = await trialContest(duellists, {
    ...TRIAL_SMOKE,
    rounds: 2,
    isolation: 'process',
  });
  expect(rows).toMatchObject([
    { figure: { median: 1, max: 1 } },
    { figure: { median: 1, max: 1 } },
  ]);
});
