import type { z } from 'zod';

import { childPath, valueAt, type ConfigPath } from './paths.ts';
import { show, type Finding } from './problems.ts';

type Issue = z.core.$ZodIssue;

/** What was validated, and at which path of the configuration it stands. */
interface Subject {
  readonly root: unknown;
  readonly path: ConfigPath;
}

/**
 * What zod found, as problems: each with what was expected there, what is there, and what may be meant.
 * Of one path only the first is told; the others are said of the same value.
 */
export function findingsOf(issues: readonly Issue[], subject: Subject): readonly Finding[] {
  const seen = new Set<ConfigPath>();
  return issues
    .flatMap((issue) => findingsOfOne(issue, subject))
    .filter(({ path }) => !seen.has(path) && seen.add(path));
}

function findingsOfOne(issue: Issue, subject: Subject): readonly Finding[] {
  switch (issue.code) {
    case 'unrecognized_keys':
      return unknownKeys(issue, subject);
    case 'invalid_key':
      return [wrongName(issue, subject)];
    case 'invalid_union':
      return inUnion(issue, subject);
    default:
      return [wrongValue(issue, subject)];
  }
}

/** The issue's message is the list of the known keys: see `mapping`. */
function unknownKeys(
  issue: z.core.$ZodIssueUnrecognizedKeys,
  subject: Subject,
): readonly Finding[] {
  const candidates = issue.message === '' ? [] : issue.message.split(', ');
  const expected = candidates.length === 0 ? 'no keys' : `one of ${candidates.join(', ')}`;
  const parent = pathOf(issue, subject);
  return issue.keys.map((name) => ({
    path: childPath(parent, name),
    expected,
    found: `the key ${show(name)}`,
    part: 'key',
    meant: { name, candidates },
  }));
}

function wrongName(issue: z.core.$ZodIssueInvalidKey, subject: Subject): Finding {
  return {
    path: pathOf(issue, subject),
    expected: issue.issues[0]?.message ?? issue.message,
    found: show(String(issue.path.at(-1))),
    part: 'key',
  };
}

/** Of the branches of a union, the one that came furthest says best what is wrong. */
function inUnion(issue: z.core.$ZodIssueInvalidUnion, subject: Subject): readonly Finding[] {
  const inner =
    issue.errors.find((branch) => branch.every(({ path }) => path.length > 0)) ??
    onlyOf(issue.errors.filter(isInside));
  if (inner === undefined || inner.length === 0) {
    const candidates = issue.errors.flat().flatMap(namesOf);
    return [wrongValue(issue, subject, candidates.concat(namesOf(issue)))];
  }
  const path = pathOf(issue, subject);
  return findingsOf(inner, { root: valueAt(subject.root, issue.path), path });
}

/** Whether it is only about what the value holds, not about what it is. */
function isInside(branch: readonly Issue[]): boolean {
  return branch.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys');
}

function onlyOf<T>(all: readonly T[]): T | undefined {
  return all.length === 1 ? all[0] : undefined;
}

function wrongValue(
  issue: Issue,
  subject: Subject,
  candidates: readonly string[] = namesOf(issue),
): Finding {
  const value = valueAt(subject.root, issue.path);
  return {
    path: pathOf(issue, subject),
    expected: issue.message,
    found: show(value),
    remedy: quoted(issue, value) ? 'write it without quotes' : remedyIn(issue),
    ...(typeof value === 'string' ? { meant: { name: value, candidates } } : {}),
  };
}

function pathOf(issue: Issue, subject: Subject): ConfigPath {
  return issue.path.reduce<ConfigPath>(
    (path, step) => childPath(path, typeof step === 'number' ? step : String(step)),
    subject.path,
  );
}

/** The words among which a wrong one is compared. */
function namesOf(issue: Issue): readonly string[] {
  if (issue.code === 'invalid_value') return issue.values.filter((v) => typeof v === 'string');
  if (issue.code === 'custom') return (issue.params?.['candidates'] ?? []) as readonly string[];
  if (issue.code !== 'invalid_union' || !('options' in issue)) return [];
  return (issue.options ?? []).filter((v) => typeof v === 'string');
}

function remedyIn(issue: Issue): string | undefined {
  const remedy: unknown = issue.code === 'custom' ? issue.params?.['remedy'] : undefined;
  return typeof remedy === 'string' ? remedy : undefined;
}

/** Whether a number or a boolean was asked for, and its text was given. */
function quoted(issue: Issue, value: unknown): boolean {
  if (issue.code !== 'invalid_type' || typeof value !== 'string') return false;
  if (issue.expected === 'boolean') return value === 'true' || value === 'false';
  return issue.expected === 'number' && value.trim() !== '' && Number.isFinite(Number(value));
}
