import type { AmbientName } from './ambient-names.ts';
import { ambientNames } from './ambient-names.ts';
import type { ImportedName, ImportUse } from './imports.ts';
import type { SourceFile } from './source-file.ts';

/** A place where a file reads the real clock, waits on it, or throws real dice. */
export interface Reading {
  readonly kind: 'time' | 'chance';
  /** What is read, such as `Date.now` or `setTimeout of node:timers/promises`. */
  readonly what: string;
  readonly line: number;
}

/** Built-in modules that hand out time or chance, and which of their exports do. */
const MODULES: Readonly<Record<string, { kind: Reading['kind']; exports: RegExp | 'all' }>> = {
  timers: { kind: 'time', exports: /^(set(Timeout|Interval|Immediate)|promises)$/ },
  'timers/promises': { kind: 'time', exports: 'all' },
  perf_hooks: { kind: 'time', exports: 'all' },
  process: { kind: 'time', exports: /^(hrtime|uptime)$/ },
  crypto: { kind: 'chance', exports: /^(random\w*|getRandomValues)$/ },
};

const NAMES: readonly { kind: Reading['kind']; name: RegExp }[] = [
  { kind: 'time', name: /^Date\.(now|\*)$/ },
  { kind: 'time', name: /^performance(\.|$)/ },
  { kind: 'time', name: /^process\.(hrtime|uptime)(\.|$)/ },
  { kind: 'time', name: /^(timers\.)?set(Timeout|Interval|Immediate)(\.|$)/ },
  { kind: 'time', name: /^timers\.promises(\.|$)/ },
  { kind: 'time', name: /^AbortSignal\.timeout$/ },
  { kind: 'time', name: /^Temporal\.Now(\.|$)/ },
  { kind: 'chance', name: /^Math\.random$/ },
  { kind: 'chance', name: /^crypto\.((webcrypto\.)?(random\w*|getRandomValues)|\*)$/ },
];

/** Every reading of real time or chance in `file`, in the order of the lines. */
export function readingsOf(file: SourceFile): readonly Reading[] {
  const aliases = new Map(file.imports.flatMap(aliasesOf));
  const named = ambientNames(file.program, aliases).flatMap((name) => {
    const kind = kindOf(name);
    return kind === undefined ? [] : [{ kind, what: name.name, line: file.lineAt(name.start) }];
  });
  const readings = [...file.imports.flatMap(importedReadings), ...named];
  return readings.sort((one, other) => one.line - other.line);
}

function importedReadings({ specifier, names, line }: ImportUse): readonly Reading[] {
  const source = MODULES[moduleName(specifier)];
  if (source === undefined) return [];
  const { kind, exports } = source;
  return names
    .filter((name) => exports === 'all' || isUntraceable(name) || exports.test(name.imported))
    .map(({ imported }) => ({ kind, what: `${imported} of ${specifier}`, line }));
}

/** A whole module that goes on without a name, by `export *` or `await import()`. */
function isUntraceable({ imported, local }: ImportedName): boolean {
  return isWhole(imported) && local === '';
}

/** What a local name stands for, so that a module's harmless parts may be used. */
function aliasesOf({ specifier, names }: ImportUse): readonly [string, string][] {
  const module = moduleName(specifier);
  if (MODULES[module] === undefined) return [];
  return names
    .filter(({ local }) => local !== '')
    .map(({ imported, local }) => [local, isWhole(imported) ? module : `${module}.${imported}`]);
}

function isWhole(imported: string): boolean {
  return imported === '*' || imported === 'default';
}

function moduleName(specifier: string): string {
  return specifier.replace(/^node:/, '');
}

function kindOf({ name, use }: AmbientName): Reading['kind'] | undefined {
  if (name === 'Date') return readsNow(use) ? 'time' : undefined;
  if (/^Atomics\.wait(Async)?$/.test(name)) return hasTimeout(use) ? 'time' : undefined;
  return NAMES.find((row) => row.name.test(name))?.kind;
}

/** `new Date(ms)` only converts; `new Date()`, `Date()` and `Date` handed on tell the time. */
function readsNow(use: AmbientName['use']): boolean {
  if (use.kind === 'new') return use.argumentCount === 0;
  return use.kind !== 'instanceof';
}

/** Waiting without a limit is not waiting on the clock. */
function hasTimeout(use: AmbientName['use']): boolean {
  return use.kind === 'call' && use.argumentCount > 3;
}
