import type { z } from 'zod';

import { frozenCopy } from './frozen-copy.ts';
import { findingsOf } from './issues.ts';
import { toProblem, type Finding, type Problem } from './problems.ts';
import { findingsBetween } from './references.ts';
import { configSchema, type ResolvedConfig, type ServiceConfig } from './schema.ts';
import { handlerInCode, handlerText, type HandlerFunction } from './sections/index.ts';

/** The resolved configuration, or everything that is wrong with it. */
export type Resolution<H = HandlerFunction> =
  | { readonly ok: true; readonly config: ResolvedConfig<H> }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** The same, before the problems have their places. */
export type Verdict<H> =
  | { readonly config: ResolvedConfig<H>; readonly findings?: never }
  | { readonly config?: never; readonly findings: readonly Finding[] };

const inCode = configSchema(handlerInCode);
const inFile = configSchema<never>(handlerText);

/**
 * Validates a configuration given in code as a whole and fills in its defaults. What it is given stays
 * as it is; what it answers is a frozen copy. It never throws. O(size of the configuration).
 */
export function resolveConfig<H = never>(given: ServiceConfig<H>): Resolution<H> {
  const { config, findings } = judge(given, inCode);
  if (config) return { ok: true, config: config as ResolvedConfig<H> };
  return { ok: false, problems: findings.map(toProblem) };
}

/** The same for the content of a file, where handlers are texts. */
export function judgeContent(content: unknown): Verdict<never> {
  return judge(content, inFile);
}

function judge<H>(given: unknown, schema: z.ZodType<ResolvedConfig<H>>): Verdict<H> {
  const between = findingsBetween(given);
  const parsed = schema.safeParse(given);
  if (parsed.success && between.length === 0) return { config: frozenCopy(parsed.data) };
  const inside = parsed.success ? [] : findingsOf(parsed.error.issues, { root: given, path: '' });
  const wrong = new Set(inside.map(({ path }) => path));
  return { findings: [...inside, ...between.filter(({ path }) => !wrong.has(path))] };
}
