/** Process that measures one contender once, and ends. */
import { bytesPerOperation } from './allocation.ts';
import { childTask } from './child-process.ts';
import { measureRound, warmUp, type Entrant } from './round.ts';
import { BenchError, loadSubject } from './subject.ts';
import type { RoundTask } from './track.ts';

async function measure(task: RoundTask): Promise<number> {
  const subject = await loadSubject(task.url, task.subject);
  if (subject.kind !== 'operation')
    throw new BenchError(`${subject.name} is not measured by operations`);
  const contender = subject.contenders.find(({ name }) => name === task.contender);
  if (contender === undefined)
    throw new BenchError(`${subject.name} has no contender ${task.contender}`);
  const entrant: Entrant = { subject, contender, running: await contender.setup() };
  if (task.measure === 'time') return measureRound(entrant, task.plan);
  await warmUp(entrant, task.plan);
  return bytesPerOperation(entrant);
}

/** A failed check explains itself; anything else needs its stack. */
function explain(problem: unknown): string {
  if (problem instanceof BenchError) return problem.message;
  return problem instanceof Error ? (problem.stack ?? problem.message) : String(problem);
}

const answer = await measure(childTask<RoundTask>()).then(
  (value) => ({ value }),
  (problem: unknown) => ({ problem: explain(problem) }),
);
// Ends here on purpose: peers hold timers that would keep the process alive.
process.send?.(answer, () => process.exit());
