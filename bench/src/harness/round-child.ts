/** Process that measures one contender once, and ends. */
import { bytesPerOperation } from './allocation.ts';
import { childTask } from './child-process.ts';
import { measureRound, warmUp, type Entrant } from './round.ts';
import {
  BenchError,
  loadSubject,
  type Contender,
  type OperationSubject,
  type Sample,
} from './subject.ts';
import type { RoundTask } from './track.ts';
import { checkedTrial } from './trial.ts';

async function perform(task: RoundTask): Promise<number | Sample | undefined> {
  const subject = await loadSubject(task.url, task.subject);
  const named = ({ name }: { readonly name: string }): boolean => name === task.contender;
  if (subject.kind === 'trial' && task.measure === 'trial') {
    const contender = subject.contenders.find(named);
    if (contender !== undefined) return checkedTrial(subject, contender, task.plan);
  }
  if (subject.kind === 'operation' && task.measure !== 'trial') {
    const contender = subject.contenders.find(named);
    if (contender !== undefined) return measureOperation(subject, contender, task);
  }
  throw new BenchError(
    `${subject.name} has no contender ${task.contender} to measure by ${task.measure}`,
  );
}

async function measureOperation(
  subject: OperationSubject,
  contender: Contender,
  { measure, plan }: Exclude<RoundTask, { readonly measure: 'trial' }>,
): Promise<number | undefined> {
  const entrant: Entrant = { subject, contender, running: await contender.setup() };
  if (measure === 'time') return measureRound(entrant, plan);
  await warmUp(entrant, plan);
  return bytesPerOperation(entrant);
}

/** A failed check explains itself; anything else needs its stack. */
function explain(problem: unknown): string {
  if (problem instanceof BenchError) return problem.message;
  return problem instanceof Error ? (problem.stack ?? problem.message) : String(problem);
}

// A pool of threads may leave nothing that keeps its process alive while it works.
process.channel?.ref();
const answer = await perform(childTask<RoundTask>()).then(
  (value) => ({ value }),
  (problem: unknown) => ({ problem: explain(problem) }),
);
// Ends here on purpose: peers hold timers that would keep the process alive.
process.send?.(answer, () => process.exit());
