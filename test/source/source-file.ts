import type { Comment, Program } from 'oxc-parser';
import { parseSync } from 'oxc-parser';
import type { ImportUse } from './imports.ts';
import { importsOf } from './imports.ts';
import { lineCounter } from './lines.ts';

/** A source file, parsed. */
export interface SourceFile {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly program: Program;
  readonly comments: readonly Comment[];
  readonly imports: readonly ImportUse[];
  /** Line of an offset, from 1. */
  readonly lineAt: (offset: number) => number;
}

/** Parses TypeScript or JavaScript. @throws {Error} when `text` does not parse. */
export function parseSource(path: string, text: string): SourceFile {
  const { program, module, comments, errors } = parseSync(path, text);
  const problem = errors[0];
  if (problem !== undefined) throw new Error(`${path} does not parse: ${problem.message}`);
  const lineAt = lineCounter(text);
  return { path, text, program, comments, lineAt, imports: importsOf(program, module, lineAt) };
}
