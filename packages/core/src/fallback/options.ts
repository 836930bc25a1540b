import {
  aFunction,
  findProblems,
  InvalidOptionsError,
  label,
  objectWith,
  optional,
  orUndefined,
  resolveOptions,
  shown,
  systemClock,
  type Clock,
  type OptionProblem,
  type OptionRules,
  type Rule,
  type TaskContext,
} from '../core/index.ts';

/** Anything that `instanceof` takes. */
export type ErrorClass = abstract new (...args: never[]) => unknown;

/**
 * Computes an answer from the error and the context of the call, which ends with the call. A promise is
 * waited for.
 */
export type FallbackFunction<F> = (error: unknown, context: TaskContext) => PromiseLike<F> | F;

/** Which errors a case is for: those that are of a class in `on` and that `when` accepts. */
interface FallbackCondition {
  /** A class, or several, by `instanceof`. @default every error */
  readonly on?: ErrorClass | readonly ErrorClass[] | undefined;
  /** @default every error */
  readonly when?: ((error: unknown) => boolean) | undefined;
}

/** A value, or a function that gives one. */
type FallbackAnswer<F> =
  | { readonly value: F; readonly run?: undefined }
  | { readonly run: FallbackFunction<F>; readonly value?: undefined };

/** What a call is answered with if it fails so. */
export type FallbackCase<F> = FallbackAnswer<F> & FallbackCondition;

/** One case, or several; the first that is for the error answers. */
export type FallbackCases<F> =
  | (FallbackCase<F> & { readonly cases?: undefined })
  | { readonly cases: readonly FallbackCase<F>[] };

export type FallbackOptions<F> = FallbackCases<F> & {
  /** @default 'fallback' */
  readonly name?: string;
  /** @default systemClock */
  readonly clock?: Clock;
};

/** A case with its condition put together. */
export interface ResolvedCase<F> {
  readonly matches: (error: unknown) => boolean;
  readonly answer: FallbackFunction<F>;
}

export interface ResolvedFallbackOptions<F> {
  readonly name: string;
  readonly clock: Clock;
  readonly cases: readonly ResolvedCase<F>[];
}

interface CaseOptions {
  readonly value: unknown;
  readonly run: unknown;
  readonly on: FallbackCondition['on'];
  readonly when: FallbackCondition['when'];
}

interface AllOptions extends CaseOptions {
  readonly cases: readonly CaseOptions[] | undefined;
  readonly name: string;
  readonly clock: Clock;
}

const anything: Rule<unknown> = {
  expected: 'anything',
  accepts: (_value): _value is unknown => true,
};

const errorClasses: Rule<ErrorClass | readonly ErrorClass[]> = {
  expected: 'an error class, or an array of them (a function that decides goes into when)',
  accepts: (v): v is ErrorClass | readonly ErrorClass[] =>
    Array.isArray(v) ? v.length > 0 && v.every(isClass) : isClass(v),
};

const caseRules: OptionRules<CaseOptions> = {
  value: optional(anything, () => undefined),
  run: optional(orUndefined(aFunction('a function')), () => undefined),
  on: optional(orUndefined(errorClasses), () => undefined),
  when: optional(orUndefined(aFunction('a function')), () => undefined),
};

const severalCases: Rule<readonly CaseOptions[]> = {
  expected: 'an array of at least one case',
  accepts: (v): v is readonly CaseOptions[] =>
    Array.isArray(v) && v.length > 0 && problemsOfAll(v).length === 0,
  inside: (v) => (Array.isArray(v) ? problemsOfAll(v) : []),
};

const rules: OptionRules<AllOptions> = {
  ...caseRules,
  cases: optional(orUndefined(severalCases), () => undefined),
  name: optional(label, () => 'fallback'),
  clock: optional(objectWith<Clock>('a Clock', 'nowMs', 'schedule'), () => systemClock),
};

/** @throws InvalidOptionsError naming every problem. */
export function resolveFallbackOptions<F>(given: FallbackOptions<F>): ResolvedFallbackOptions<F> {
  const { name, clock, cases } = resolveOptions<AllOptions>('Fallback', given, rules);
  const problem = cases === undefined ? answerProblem(given) : strayProblem(given);
  if (problem) throw new InvalidOptionsError('Fallback', [problem]);
  const each = (cases ?? [given]) as readonly FallbackCase<F>[];
  return { name, clock, cases: each.map(resolveCase) };
}

function resolveCase<F>(given: FallbackCase<F>): ResolvedCase<F> {
  const { on, when, run, value } = given;
  const classes = on === undefined ? undefined : [on].flat();
  return {
    matches: (error) =>
      (classes?.some((each) => error instanceof each) ?? true) && (when?.(error) ?? true),
    answer: run ?? ((): F => value),
  };
}

function problemsOfAll(cases: readonly unknown[]): readonly OptionProblem[] {
  return cases.flatMap((each, at) =>
    problemsOfCase(each).map((p) => ({ ...p, option: `${at}.${p.option}` })),
  );
}

function problemsOfCase(given: unknown): readonly OptionProblem[] {
  const problems = findProblems<CaseOptions>(given, caseRules);
  if (problems.length > 0) return problems;
  const problem = answerProblem(given as object);
  return problem ? [problem] : [];
}

/** `undefined` is a value like any other, if it is written down. */
function answerProblem(given: object): OptionProblem | undefined {
  const hasRun = 'run' in given && given.run !== undefined;
  // Next to a function an undefined value says that there is none.
  const hasValue = 'value' in given && !(hasRun && given.value === undefined);
  if (hasRun !== hasValue) return undefined;
  return {
    option: 'value',
    expected: hasRun ? 'left out where there is run' : 'given, or run',
    got: 'value' in given ? shown(given.value) : 'none',
  };
}

/** With several cases, all is said in them. */
function strayProblem(given: object): OptionProblem | undefined {
  const stray = Object.keys(caseRules).find((option) => option in given);
  if (stray === undefined) return undefined;
  const got = shown((given as Record<string, unknown>)[stray]);
  return { option: stray, expected: 'in one of the cases where there are cases', got };
}

function isClass(value: unknown): value is ErrorClass {
  return typeof value === 'function' && typeof value.prototype === 'object';
}
