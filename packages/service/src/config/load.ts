import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import type { Content } from './document.ts';
import { asSections } from './go-design.ts';
import { formatPath } from './paths.ts';
import type { SourceMap } from './positions.ts';
import { show, toProblem, type Finding, type Problem } from './problems.ts';
import { readContent, type ParseOptions } from './read-content.ts';
import { readText } from './read-text.ts';
import { judgeContent, type Verdict } from './resolve.ts';
import { SECTIONS, type ResolvedConfig } from './schema.ts';
import { parseHandler } from './sections/index.ts';
import type { Environment } from './substitution.ts';

/** So many findings are searched for the name that was meant. */
const MOST_COMPARED = 100;

/** The configuration that a text means, or everything that is wrong with it, in the order of the text. */
export type LoadResult =
  | { readonly ok: true; readonly config: ResolvedConfig<never>; readonly source: ConfigSource }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Where a configuration was read from, for what turns out to be wrong only later. */
export interface ConfigSource {
  readonly file: string;
  /** The absolute folder to which handlers in the file are relative. */
  readonly folder: string;
  /** The problem with its place in the file, such as a handler's module without that export. */
  readonly problemAt: (finding: Finding) => Problem;
}

/**
 * Reads, validates and completes a configuration file, YAML or JSON. Also says when a handler's module
 * or a file of an upstream's TLS is not there; it does not load it. It never throws: what is wrong with the file is answered.
 */
export async function loadConfigFile(
  file: string,
  env: Environment = process.env,
): Promise<LoadResult> {
  const { text, finding } = await readText(file);
  if (text === undefined) return { ok: false, problems: [locate(finding, { file })] };
  const result = parseConfig(text, { file, env });
  if (!result.ok) return result;
  const { config, source } = result;
  const problems = [
    ...(await missingFiles(config, source)),
    ...(await missingModules(config, source)),
  ];
  return problems.length > 0 ? { ok: false, problems } : result;
}

/** Validates and completes a configuration. It never throws. O(text), of which it takes 1 MiB. */
export function parseConfig(text: string, options: ParseOptions): LoadResult {
  const { file } = options;
  const content = readContent(text, options);
  const { config, findings } = judge(content);
  const origin = { file, places: content.places };
  if (!config) return { ok: false, problems: inOrder(findings, origin) };
  const problemAt = (finding: Finding): Problem => locate(finding, origin);
  return { ok: true, config, source: { file, folder: dirname(resolve(file)), problemAt } };
}

function judge({ value, findings, unreadable }: Content): Verdict<never> {
  if (value === undefined) return { findings };
  if (!isMapping(value)) return { findings: [...findings, notMapping(value)] };
  const sections = asSections(value);
  const verdict =
    sections.content === undefined ? { findings: [] } : judgeContent(sections.content);
  const news = [...sections.findings, ...(verdict.findings ?? [])];
  const all = [...findings, ...news.filter(({ path }) => !unreadable.has(path))];
  return verdict.config && all.length === 0 ? verdict : { findings: all };
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function notMapping(value: unknown): Finding {
  const expected = `a mapping of sections (${SECTIONS.join(', ')})`;
  return { path: '', expected, found: show(value ?? undefined) };
}

interface Origin {
  readonly file: string;
  readonly places?: SourceMap;
}

/** The findings as problems, from the top of the file to its end. */
function inOrder(findings: readonly Finding[], origin: Origin): readonly Problem[] {
  return findings
    .map((finding, index) =>
      // Looking for a name takes time, and nobody reads so far.
      locate(index < MOST_COMPARED ? finding : { ...finding, meant: undefined }, origin),
    )
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

function locate(finding: Finding, { file, places }: Origin): Problem {
  const { path, part, at } = finding;
  const written = part === 'key' || at ? undefined : places?.written(path);
  const found = written ?? finding.found;
  return { file, ...(at ?? places?.find(path, part)), ...toProblem({ ...finding, found }) };
}

/** The handlers whose module is not there. */
async function missingModules(
  config: ResolvedConfig<never>,
  { folder, problemAt }: ConfigSource,
): Promise<readonly Problem[]> {
  const problems = config.routes.map(async ({ handler }, index) => {
    const reference = handler === undefined ? undefined : parseHandler(handler);
    if (reference?.kind !== 'module' || (await isFile(resolve(folder, reference.file)))) return [];
    const path = formatPath(['routes', index, 'handler']);
    return [problemAt({ path, expected: 'a module that exists', found: show(handler), remedy })];
  });
  return (await Promise.all(problems)).flat();
}

/** What upstreams need for TLS and is not there. */
async function missingFiles(
  config: ResolvedConfig<never>,
  { folder, problemAt }: ConfigSource,
): Promise<readonly Problem[]> {
  const named = Object.entries(config.upstreams).flatMap(([name, { tls }]) =>
    (['ca', 'cert', 'key'] as const).map((key) => ({ name, key, file: tls?.[key] })),
  );
  const problems = named.map(async ({ name, key, file }) => {
    if (file === undefined || (await isFile(resolve(folder, file)))) return [];
    const path = formatPath(['upstreams', name, 'tls', key]);
    return [problemAt({ path, expected: 'a file that exists', found: show(file), remedy })];
  });
  return (await Promise.all(problems)).flat();
}

const remedy = 'it is looked for beside the configuration';

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}
