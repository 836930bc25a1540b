import {
  BenchError,
  type Contender,
  type OperationSubject,
  type Running,
  type Subject,
  type TrialPlan,
} from './subject.ts';
import { ALLOCATION_FLAGS } from './allocation.ts';
import { nextMessage, startChild } from './child-process.ts';
import { measureRound, type RoundPlan } from './round.ts';

/**
 * Where the contenders of a subject run.
 *
 * `process`, the default for figures: a fresh process for every contender and round. In one process
 * the contenders share what V8 has learnt about the functions that they have in common (the loops
 * here, promises, timers, the parts of one package) and a heap that one fills and another collects, so
 * that a figure depends on who else takes part. Fresh processes also show how far a figure differs
 * from one start to the next, which a single process hides. The price is about 0.1 s a round.
 *
 * `none`: all in this process. For smoke runs, where only the checksums count, and for a profiler.
 */
export type Isolation = 'process' | 'none';

/** Measures contenders, one round at a time. */
export interface Track extends AsyncDisposable {
  /** Ns per operation of one round. */
  round(contender: Contender, plan: RoundPlan): Promise<number>;
}

/** What a child measures of a contender. */
type Measure =
  | { readonly measure: 'time' | 'bytes'; readonly plan: RoundPlan }
  | { readonly measure: 'trial'; readonly plan: TrialPlan };

/** What a child that measures is told. */
export type RoundTask = Measure & {
  readonly url: string;
  readonly subject: string;
  readonly contender: string;
};

export function openTrack(subject: OperationSubject, isolation: Isolation): Track {
  return isolation === 'none' ? new SharedTrack(subject) : new IsolatedTrack(subject);
}

/** Bytes per operation, always in a process of its own. */
export function measureBytes(
  subject: OperationSubject,
  contender: Contender,
  plan: RoundPlan,
): Promise<number | undefined> {
  return inChild(subject, contender, { measure: 'bytes', plan });
}

class IsolatedTrack implements Track {
  readonly #subject: OperationSubject;

  constructor(subject: OperationSubject) {
    this.#subject = subject;
  }

  round(contender: Contender, plan: RoundPlan): Promise<number> {
    return inChild(this.#subject, contender, { measure: 'time', plan });
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

class SharedTrack implements Track {
  readonly #subject: OperationSubject;
  readonly #running = new Map<Contender, Running>();

  constructor(subject: OperationSubject) {
    this.#subject = subject;
  }

  async round(contender: Contender, plan: RoundPlan): Promise<number> {
    const running = this.#running.get(contender) ?? (await contender.setup());
    this.#running.set(contender, running);
    return measureRound({ subject: this.#subject, contender, running }, plan);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#running.values()) await running.teardown?.();
  }
}

/** Measures a contender in a fresh process. @throws BenchError with what went wrong there */
export async function inChild<T>(
  { url, name }: Subject,
  contender: { readonly name: string },
  measure: Measure,
): Promise<T> {
  const task: RoundTask = { url, subject: name, contender: contender.name, ...measure };
  const flags = measure.measure === 'bytes' ? ALLOCATION_FLAGS : [];
  const child = startChild({ url: new URL('./round-child.ts', import.meta.url), task, flags });
  const answer = await nextMessage<{ value: T } | { problem: string }>(child);
  if ('problem' in answer) throw new BenchError(answer.problem);
  return answer.value;
}
