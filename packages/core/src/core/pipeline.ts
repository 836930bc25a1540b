import type { Clock } from './clock.ts';
import type { ExecuteOptions, Task, TaskContext } from './call-context.ts';
import { InvalidOptionsError, type OptionProblem } from './errors.ts';
import { GateChain } from './gate-chain.ts';
import { shown } from './options.ts';
import {
  adviceFor,
  runElsewhere,
  timesOutTooEarly,
  type PipelineAdvice,
  type PipelineAdviceCode,
} from './pipeline-advice.ts';
import { isGatePolicy, type GatePolicy, type Policy } from './policy.ts';
import { warn } from './warn.ts';

/** Runs a task through a run of policies that are driven together. */
type Segment = Pick<Policy, 'execute'>;

/** What a policy may answer instead of the task: a fallback says so by `recover`, a pipeline has one or not. */
export type AnswerOf<P> =
  P extends Pipeline<infer F>
    ? F
    : P extends { recover(error: unknown): Promise<infer F> }
      ? F
      : never;

export interface PipelineOptions {
  /** What is meant as it is, and not to be warned about. @default [] */
  readonly accept?: readonly PipelineAdviceCode[] | undefined;
}

/**
 * Policies in a row, outermost first, as one policy. Gates that stand next to each other are fused into
 * one async hop; a policy that is no gate wraps all that come after it. A pipeline in the row counts as
 * its policies.
 *
 * The row is checked when it is built: what cannot work is refused, what is likely to be a mistake is
 * told by a process warning, see {@link PipelineAdvice}.
 *
 * @example
 * const orders = pipeline('orders', [
 *   new TokenBucket({ ratePerSecond: 100 }),
 *   new CircuitBreaker(),
 *   new WorkerPool({ size: 10, queue: 1000 }),
 * ]);
 * const answer = await orders.execute(async () => 'done');
 */
export class Pipeline<F = never> implements Policy<Record<string, object>> {
  readonly name: string;
  readonly policies: readonly Policy[];
  /** What was found likely to be a mistake, and not accepted. */
  readonly advice: readonly PipelineAdvice[];
  /** Its policies, and those of the pipelines among them. */
  readonly #row: readonly Policy[];
  readonly #segments: readonly Segment[];

  /**
   * @throws InvalidOptionsError when there is no policy, two share a name, gates differ in their clock, one
   * runs its tasks in other threads, or a time limit ends the call before one further in can.
   */
  constructor(name: string, policies: readonly Policy[], options: PipelineOptions = {}) {
    this.name = name;
    this.policies = Object.freeze([...policies]);
    this.#row = policies.flatMap((policy) => (policy instanceof Pipeline ? policy.#row : [policy]));
    checkPolicies(name, this.#row);
    this.#segments = segmentsOf(name, this.#row);
    const { accept = [] } = options;
    this.advice = adviceFor(this.#row).filter(({ code }) => !accept.includes(code));
    for (const { code, message } of this.advice) {
      warn(`pipeline ${name}: ${message} (accept: ['${code}'] if it is meant)`);
    }
  }

  /** Runs `task` through all of them. Never throws. `F` is what a fallback among them may answer. */
  execute<T>(task: Task<T>, options?: ExecuteOptions): Promise<T | F>;
  /** As a {@link Policy}, which knows nothing of what else it may answer. */
  execute<T>(task: Task<T>, options?: ExecuteOptions): Promise<T>;
  execute<T>(task: Task<T>, options?: ExecuteOptions): Promise<T | F> {
    return this.#from(0, task, options);
  }

  /** A function of the same type as `fn` whose every call goes through the pipeline. */
  wrap<Args extends unknown[], T>(
    fn: (...args: Args) => PromiseLike<T> | T,
  ): (...args: Args) => Promise<T | F> {
    return wrap(fn, this);
  }

  /** The stats of every policy, by its name. */
  stats(): Record<string, object> {
    return Object.fromEntries(this.policies.map((policy) => [policy.name, policy.stats()]));
  }

  #from<T>(index: number, task: Task<T>, options?: ExecuteOptions): Promise<T> {
    const segment = this.#segments[index] as Segment;
    if (index === this.#segments.length - 1) return segment.execute(task, options);
    return segment.execute((context: TaskContext) => this.#from(index + 1, task, context), options);
  }
}

/** The pipeline of `policies`, outermost first. See {@link Pipeline}. */
export function pipeline<const P extends readonly Policy[]>(
  name: string,
  policies: P,
  options?: PipelineOptions,
): Pipeline<AnswerOf<P[number]>> {
  return new Pipeline(name, policies, options);
}

/**
 * A function of the same type as `fn`, `this` included, whose every call goes through `policy`: a
 * pipeline or a single one.
 * @throws InvalidOptionsError for a policy that runs its tasks in other threads: a closure cannot get there.
 */
export function wrap<This, Args extends unknown[], T, P extends Policy>(
  fn: (this: This, ...args: Args) => PromiseLike<T> | T,
  policy: P,
): (this: This, ...args: Args) => Promise<T | AnswerOf<P>> {
  const problems = runElsewhere([policy]);
  if (problems.length > 0) throw new InvalidOptionsError('wrap', problems);
  return function guarded(...args) {
    return policy.execute(() => fn.apply(this, args));
  };
}

function segmentsOf(name: string, policies: readonly Policy[]): readonly Segment[] {
  const segments: Segment[] = [];
  let gates: GatePolicy[] = [];
  const close = (): void => {
    const [first] = gates;
    if (first) segments.push(new GateChain(name, gates, first.clock));
    gates = [];
  };
  for (const policy of policies) {
    if (isGatePolicy(policy)) {
      gates.push(policy);
    } else {
      close();
      segments.push(policy);
    }
  }
  close();
  return segments;
}

function checkPolicies(name: string, policies: readonly Policy[]): void {
  const problems: OptionProblem[] = [];
  if (policies.length === 0) {
    problems.push({ option: 'policies', expected: 'at least one policy', got: 'none' });
  }
  const strange = policies.filter((policy) => typeof policy?.execute !== 'function');
  if (strange.length > 0) {
    const got = strange.map(shown).join(', ');
    problems.push({ option: 'policies', expected: 'policies (objects with execute)', got });
    throw new InvalidOptionsError(`pipeline ${name}`, problems);
  }
  const names = policies.map((policy) => policy.name);
  const twice = names.filter((n, i) => names.indexOf(n) !== i);
  if (twice.length > 0) {
    const got = `${twice.map((n) => JSON.stringify(n)).join(', ')} twice`;
    problems.push({ option: 'policies', expected: 'policies with names of their own', got });
  }
  const clocks = new Set<Clock>(policies.filter(isGatePolicy).map((gate) => gate.clock));
  if (clocks.size > 1) {
    const got = `${clocks.size} clocks`;
    problems.push({ option: 'policies', expected: 'gates that share one clock', got });
  }
  problems.push(...runElsewhere(policies), ...timesOutTooEarly(policies));
  if (problems.length > 0) throw new InvalidOptionsError(`pipeline ${name}`, problems);
}
