import { InvalidOptionsError, type OptionProblem } from './errors.ts';

/** What one option must be: a test, and the words that say so ("an integer of at least 1"). */
export interface Rule<T> {
  readonly expected: string;
  /** Problems inside a nested value; absent for plain ones. */
  readonly inside?: (value: unknown) => readonly OptionProblem[];
  /** A nested value that is right, as a frozen copy with its own defaults; absent for plain ones. */
  readonly resolve?: (value: unknown) => T;
  readonly accepts: (value: unknown) => value is T;
}

/** A rule, and what stands for the option when it is not given. */
export interface OptionRule<T, O> {
  readonly rule: Rule<T>;
  readonly required: boolean;
  /** Computed once all given options are known to be right; may read them. */
  readonly otherwise?: (given: O) => T;
}

/** One rule for every option of `O`. */
export type OptionRules<O> = { readonly [K in keyof O]-?: OptionRule<O[K], O> };

/** Sentences about options that are each right but do not go together. */
export type CrossCheck<O> = (options: O) => OptionProblem | undefined;

const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && !Number.isNaN(value);

const numberRule = (expected: string, holds: (value: number) => boolean): Rule<number> => ({
  expected,
  accepts: (value): value is number => isNumber(value) && holds(value),
});

/** Finite and above `limit`. */
export const above = (limit: number): Rule<number> =>
  numberRule(`a finite number above ${limit}`, (v) => v > limit && Number.isFinite(v));

/** Finite and at least `least`. */
export const atLeast = (least: number): Rule<number> =>
  numberRule(`a finite number of at least ${least}`, (v) => v >= least && Number.isFinite(v));

/** A safe integer from `least` to `most`. */
export const integer = (least: number, most: number = Number.MAX_SAFE_INTEGER): Rule<number> =>
  numberRule(
    most === Number.MAX_SAFE_INTEGER
      ? `an integer of at least ${least}`
      : `an integer from ${least} to ${most}`,
    (v) => Number.isSafeInteger(v) && v >= least && v <= most,
  );

/** A share: above 0, at most 1. */
export const ratio: Rule<number> = numberRule(
  'a ratio above 0 and at most 1',
  (v) => v > 0 && v <= 1,
);

/** At least 0, Infinity included. */
export const aDuration: Rule<number> = numberRule('a number of ms, 0 or more', (v) => v >= 0);

/** A name: text of 1 to 200 characters. */
export const label: Rule<string> = {
  expected: 'text of 1 to 200 characters',
  accepts: (v): v is string => typeof v === 'string' && v.length > 0 && v.length <= 200,
};

/** An object that has the given methods. */
export const objectWith = <T>(what: string, ...methods: readonly string[]): Rule<T> => ({
  expected: `${what} (an object with ${methods.join(', ')})`,
  accepts: (v): v is T =>
    typeof v === 'object' &&
    v !== null &&
    methods.every((m) => typeof (v as Record<string, unknown>)[m] === 'function'),
});

export const aFunction = <T>(what: string): Rule<T> => ({
  expected: what,
  accepts: (v): v is T => typeof v === 'function',
});

/** The rule, or `undefined`. */
export const orUndefined = <T>(rule: Rule<T>): Rule<T | undefined> => ({
  ...rule,
  accepts: (v): v is T | undefined => v === undefined || rule.accepts(v),
});

export const required = <T, O>(rule: Rule<T>): OptionRule<T, O> => ({ rule, required: true });

/** Not required: `otherwise` stands for it, a value or a function of the options given. */
export const optional = <T, O>(rule: Rule<T>, otherwise: (given: O) => T): OptionRule<T, O> => ({
  rule,
  required: false,
  otherwise,
});

/**
 * The options with every default filled in, frozen; `given` is left as it is. An option that is
 * `undefined`, or that `given` only inherits, counts as not given. O(number of options).
 * @throws InvalidOptionsError naming all problems at once: wrong values, missing and unknown options.
 */
export function resolveOptions<O extends object>(
  subject: string,
  given: unknown,
  rules: OptionRules<O>,
  checks: readonly CrossCheck<O>[] = [],
): Readonly<O> {
  const problems = findProblems(given, rules);
  if (problems.length > 0) throw new InvalidOptionsError(subject, problems);
  const resolved = fillIn(given as Partial<O>, rules);
  const conflicts = checks.map((check) => check(resolved)).filter((p) => p !== undefined);
  if (conflicts.length > 0) throw new InvalidOptionsError(subject, conflicts);
  return Object.freeze(resolved);
}

/** Every problem of `given` under `rules`, for a rule that nests options in options. */
export function findProblems<O extends object>(
  given: unknown,
  rules: OptionRules<O>,
): readonly OptionProblem[] {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return [{ option: 'options', expected: 'an object', got: shown(given) }];
  }
  const values: Record<string, unknown> = { ...given };
  const known = Object.entries<OptionRule<unknown, O>>(rules);
  const wrong = known.flatMap(([option, { rule, required: must }]) =>
    problemsOf(option, values[option], rule, must),
  );
  return [...wrong, ...unknownOptions(values, Object.keys(rules))];
}

/** The value as text for an error message, at most 60 characters. */
export function shown(value: unknown): string {
  const text = describe(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function problemsOf(
  option: string,
  value: unknown,
  rule: Rule<unknown>,
  must: boolean,
): readonly OptionProblem[] {
  if (value === undefined && !must) return [];
  if (rule.accepts(value)) return [];
  const inner = rule.inside?.(value) ?? [];
  if (inner.length === 0) return [{ option, expected: rule.expected, got: shown(value) }];
  return inner.map((p) => ({ ...p, option: `${option}.${p.option}` }));
}

function unknownOptions(
  values: Record<string, unknown>,
  known: readonly string[],
): readonly OptionProblem[] {
  return Object.keys(values)
    .filter((option) => values[option] !== undefined && !known.includes(option))
    .map((option) => ({
      option,
      expected: `left out: there is no such option, only ${known.join(', ')}`,
      got: shown(values[option]),
    }));
}

function fillIn<O extends object>(given: Partial<O>, rules: OptionRules<O>): O {
  const own = { ...given };
  const resolved = {} as O;
  const options = Object.keys(rules) as (keyof O)[];
  for (const option of options) {
    const value = own[option];
    if (value !== undefined) resolved[option] = rules[option].rule.resolve?.(value) ?? value;
  }
  for (const option of options) {
    const { otherwise } = rules[option];
    if (resolved[option] === undefined && otherwise) resolved[option] = otherwise(resolved);
  }
  return resolved;
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return `a function${value.name ? ` ${value.name}` : ''}`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) {
    return `an object with ${Object.keys(value).join(', ') || 'no keys'}`;
  }
  if (Object.is(value, -0)) return '-0';
  return typeof value === 'bigint' ? `${value}n` : String(value);
}
