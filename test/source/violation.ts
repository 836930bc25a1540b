import type { Manifest } from '../../scripts/workspace.ts';
import type { Architecture } from './architecture.ts';
import type { Place } from './place.ts';
import type { SourceFile } from './source-file.ts';

/** A place where the code departs from the architecture. */
export interface Violation {
  readonly rule: Rule;
  readonly path: string;
  readonly line: number;
  /** What is there, and what the rule says, as one sentence without its full stop. */
  readonly problem: string;
  /** What to do about it, as one sentence without its full stop. */
  readonly remedy: string;
}

/** The rules, each as the sentence that holds as long as it is kept. */
export const RULES = {
  'unlisted-workspace': 'every package of the workspace has a row in the architecture table',
  'unlisted-room': 'every room of a package has a row in the architecture table',
  room: 'a room imports no other rooms than its row names',
  door: 'a room is entered by its door, index.ts',
  'own-door': 'no file imports the door of its own room',
  'public-door': 'a package imports the packages below it, by their public doors',
  dependency: 'a package imports nothing from outside that it does not list as a dependency',
  builtin: 'node:worker_threads is imported by the thread pool alone',
  time: 'real time is read in core/clock.ts alone',
  chance: 'real chance is read in core/random.ts alone',
  size: 'no file is longer than 400 lines',
  cycle: 'no file imports itself, by whatever way round',
} as const;

export type Rule = keyof typeof RULES;

/** A violation as one line that an editor can follow. */
export function described({ rule, path, line, problem, remedy }: Violation): string {
  return `${path}:${line} [${rule}] ${problem}. ${remedy}.`;
}

/** What every rule is given. */
export interface House {
  readonly architecture: Architecture;
  readonly files: readonly SourceFile[];
  /** By folder; `.` is the root. */
  readonly manifests: ReadonlyMap<string, Manifest>;
  readonly placeOf: (path: string) => Place;
}
