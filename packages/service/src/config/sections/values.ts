import { z } from 'zod';

/**
 * Every schema's message says what was expected, as the end of "expected …": the problem that a user
 * reads is put together from it, whatever zod calls the mistake.
 */

/** Longest time that Node's timers hold, in ms: 24.8 days. */
export const MAX_MS = 2_147_483_647;

/** All defaults filled in. */
export type Complete<T> = { readonly [K in keyof T]-?: Exclude<T[K], undefined> };

/** Keys that may be missing, but are not there as undefined. */
export type Compact<T> = { readonly [K in keyof T]: Exclude<T[K], undefined> };

/** A safe integer from `least` to `most`, both allowed. */
export function integer(least: number, most: number = Number.MAX_SAFE_INTEGER): z.ZodNumber {
  const error =
    most === Number.MAX_SAFE_INTEGER
      ? `an integer of at least ${least}`
      : `an integer from ${least} to ${most}`;
  // zod's own int() would keep the rules between the keys of a mapping from being checked.
  return z
    .number({ error })
    .refine(Number.isSafeInteger, { error })
    .min(least, { error })
    .max(most, { error })
    .meta({ type: 'integer' });
}

/** Whole milliseconds, at least 1. */
export function milliseconds(): z.ZodNumber {
  return integer(1, MAX_MS);
}

/** A number above 0 and at most `most`. */
export function above0(most: number): z.ZodNumber {
  const error = `a number above 0 and at most ${most}`;
  return z.number({ error }).gt(0, { error }).lte(most, { error });
}

/** A number from 0 to 1. */
export function ratio(): z.ZodNumber {
  const error = 'a ratio from 0 to 1';
  return z.number({ error }).gte(0, { error }).lte(1, { error });
}

export function trueOrFalse(): z.ZodBoolean {
  return z.boolean({ error: 'true or false' });
}

/** One of these words. */
export function oneOf<const T extends readonly [string, ...string[]]>(
  words: T,
): z.ZodEnum<{ [K in T[number]]: K }> {
  return z.enum(words, { error: `one of ${words.join(', ')}` }) as never;
}

/**
 * A mapping with these keys and no others. The message for an unknown key is the list of the known
 * ones, from which the nearest is looked for.
 */
export function mapping<const T extends z.core.$ZodLooseShape>(
  what: string,
  shape: T,
): z.ZodObject<T, z.core.$strict> {
  const known = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? known : what),
  });
}

/** What must hold between the keys of a mapping. */
export interface Rule<T> {
  /** The key that is reported. */
  readonly key: keyof T & string;
  readonly expected: string;
  /** Must be true when a value is missing or of the wrong type, which is reported anyway. */
  readonly holds: (value: T) => boolean;
}

/** The mapping with these rules, which are checked whatever else is wrong in it. */
export function withRules<T extends z.ZodType<object>>(
  schema: T,
  rules: readonly Rule<z.output<T>>[],
): T {
  let ruled = schema;
  for (const { key, expected, holds } of rules) {
    ruled = ruled.refine(holds, {
      path: [key],
      error: expected,
      when: ({ value }) => typeof value === 'object' && value !== null,
    });
  }
  return ruled;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** A mapping from names to `entry`. Names end up in metrics, headers and URLs, so they are plain. */
export function named<T extends z.ZodType>(what: string, entry: T): z.ZodRecord<z.ZodString, T> {
  const error =
    'a name of at most 64 letters, digits, "_" and "-" that starts with a letter or digit';
  const name = z.string({ error }).regex(NAME, { error });
  return z.record(name, entry, { error: `a mapping of names to ${what}` });
}

/** What `schema` takes, or `false` for without it. */
export function orFalse<T extends z.ZodType>(
  schema: T,
  what: string,
): z.ZodUnion<readonly [z.ZodLiteral<false>, T]> {
  return z.union([z.literal(false), schema], { error: `${what}, or false` });
}

/** The value without the keys that are undefined. */
export function compact<T extends object>(value: T): Compact<T> {
  return Object.fromEntries(
    Object.entries(value).filter(([, entry]) => entry !== undefined),
  ) as Compact<T>;
}
