import { awaited } from '../harness/loops.ts';
import type { Contender } from '../harness/subject.ts';

/** The task that every guard here guards: asynchronous, and done at once. */
export const task = async (): Promise<number> => 1;

/** The floor F of everything that guards an asynchronous task: awaiting the task unguarded. */
export const awaitTask: Contender = {
  name: 'F: await the task',
  kind: 'floor',
  setup: () => awaited(task),
};
