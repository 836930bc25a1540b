import type { Contender, OperationSubject, Subject } from '../subject.ts';

/** A contender that returns `checksum` of the iterations and does nothing else. */
export function contender(
  name: string,
  checksum = (iterations: number): number => iterations,
): Contender {
  return { name, kind: 'peer', setup: () => ({ run: checksum }) };
}

/** A subject whose checksum is the count of its operations. */
export function subjectOf(name: string, contenders: readonly Contender[]): OperationSubject {
  return {
    kind: 'operation',
    url: import.meta.url,
    name,
    title: name,
    operation: 'nothing happens',
    checksum: (iterations) => iterations,
    contenders,
  };
}

let setups = 0;

/** Computes rightly only if nobody was set up before it in its process. */
const firstOfItsProcess = (name: string): Contender => ({
  name,
  kind: 'peer',
  setup: () => {
    const alone = ++setups === 1;
    return { run: (iterations) => (alone ? iterations : -1) };
  },
});

const KEPT = 1024;

/** Copies an array of `length` numbers in each operation; of none, nothing. */
const allocating = (name: string, length: number): Contender => ({
  name,
  kind: 'peer',
  setup: () => {
    const numbers = Array.from({ length }, (_, i) => i);
    const kept: (readonly number[])[] = Array.from({ length: KEPT }, () => numbers);
    const run = (iterations: number): number => {
      for (let i = 0; i < iterations; i++)
        kept[i % KEPT] = length === 0 ? numbers : numbers.slice();
      return iterations;
    };
    return { run };
  },
});

export const loners: OperationSubject = subjectOf('loners', [
  firstOfItsProcess('A'),
  firstOfItsProcess('B'),
]);

export const allocators: OperationSubject = subjectOf('allocators', [
  allocating('nothing', 0),
  allocating('a hundred numbers', 100),
]);

export const wrongdoers: OperationSubject = subjectOf('wrongdoers', [contender('wrong', () => -1)]);

/** Where a process of its own finds them. @public */
export const subjects: readonly Subject[] = [loners, allocators, wrongdoers];
