import type { Subject, TrialContender, TrialSubject } from '../subject.ts';

/** A subject that is measured by the samples that its contenders show. */
export function trialSubjectOf(name: string, contenders: readonly TrialContender[]): TrialSubject {
  return {
    kind: 'trial',
    url: import.meta.url,
    name,
    title: name,
    operation: 'nothing happens',
    figure: 'figure',
    contenders,
  };
}

let trials = 0;

/** Shows which trial of its process it was. */
const counting = (name: string): TrialContender => ({
  name,
  kind: 'peer',
  trial: async () => ({ figure: ++trials, operations: 1, right: 1 }),
});

export const duellists: TrialSubject = trialSubjectOf('duellists', ['A', 'B'].map(counting));

/** Where a process of its own finds them. @public */
export const subjects: readonly Subject[] = [duellists];
