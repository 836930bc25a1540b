import { nearest } from './nearest.ts';
import type { ConfigPath } from './paths.ts';
import type { Position } from './positions.ts';

/** One thing that is wrong with a configuration. */
export interface Problem {
  /** The file, as it was named by the caller; undefined for a configuration given in code. */
  readonly file?: string;
  /** From 1. Undefined when there is no text: a missing file, a configuration given in code. */
  readonly line?: number;
  /** From 1, in UTF-16 units. */
  readonly column?: number;
  /** `routes[1].limiter`; `''` for the configuration as a whole. */
  readonly path: ConfigPath;
  /** `an integer from 0 to 65535` */
  readonly expected: string;
  /** What is there, at most 60 characters. A value from the environment is shown as `${NAME}`. */
  readonly found: string;
  /** What to do about it: `did you mean "public"?` */
  readonly remedy?: string;
}

/** A problem before anybody has looked up where in the text it stands. */
export interface Finding {
  readonly path: ConfigPath;
  readonly expected: string;
  readonly found: string;
  readonly remedy?: string | undefined;
  /** Whether it is about the key, not about the value. */
  readonly part?: 'key' | 'value';
  /** Where it stands, when that is not where the path's value or key stands. */
  readonly at?: Position;
  /** The names among which the one meant is looked for. */
  readonly meant?: { readonly name: string; readonly candidates: readonly string[] } | undefined;
}

const LONGEST_SHOWN = 60;
const MOST_FORMATTED = 100;

/** The value as text, at most 60 characters; of mappings and lists only how large they are. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return shorten(JSON.stringify(value.slice(0, LONGEST_SHOWN + 1)));
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return `${value}`;
  if (typeof value !== 'object') return `a ${typeof value}`;
  const keys = Object.keys(value).length;
  return `a mapping of ${keys} ${keys === 1 ? 'key' : 'keys'}`;
}

/** The text, cut to 60 characters. */
export function shorten(text: string): string {
  if (text.length <= LONGEST_SHOWN) return text;
  return `${text.slice(0, LONGEST_SHOWN - 1).toWellFormed()}…`;
}

/** `a, b, c`, with all after the fifth only counted. */
export function list(names: readonly string[]): string {
  const more = names.length - 5;
  return more > 0 ? `${names.slice(0, 5).join(', ')} and ${more} more` : names.join(', ');
}

/** The finding as a problem that has no place. Its remedy may be the name that was most likely meant. */
export function toProblem({ path, expected, found, remedy, meant }: Finding): Problem {
  const name = meant && nearest(meant.name, meant.candidates);
  const advice = name === undefined ? remedy : `did you mean ${JSON.stringify(name)}?`;
  const problem = { path, expected, found: shorten(found) };
  return advice === undefined ? problem : { ...problem, remedy: advice };
}

/**
 * The problems as text for a terminal, one a line, with their number at the end:
 *
 *     sluice.yaml:12:16  routes[1].limiter: expected the name of a limiter (public), got "pubic"; did you mean "public"?
 *
 *     1 problem in sluice.yaml
 *
 * After the hundredth the rest are only counted.
 */
export function formatProblems(problems: readonly Problem[]): string {
  const lines = problems.slice(0, MOST_FORMATTED).map(formatProblem);
  const more = problems.length - lines.length;
  if (more > 0) lines.push(`… and ${more} more`);
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return `${lines.join('\n')}\n\n${count} in ${problems[0]?.file ?? 'the configuration'}\n`;
}

/** One problem as one line, without a line break at its end. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, path, expected, found, remedy } = problem;
  const place =
    file === undefined ? '' : `${[file, line, column].filter((p) => p !== undefined).join(':')}  `;
  const subject = path === '' ? '' : `${path}: `;
  return `${place}${subject}expected ${expected}, got ${found}${remedy === undefined ? '' : `; ${remedy}`}`;
}
