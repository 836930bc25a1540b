import type { EcmaScriptModule, Program } from 'oxc-parser';
import { walk } from './walk.ts';

/** One use of another module. */
export interface ImportUse {
  /** As written: `./clock.ts`, `node:fs`, `@sluice/core`. */
  readonly specifier: string;
  readonly line: number;
  /** Nothing of it is left when types are stripped. */
  readonly typeOnly: boolean;
  /** What is taken, under the name it has there; `default` and `*` stand for themselves. */
  readonly names: readonly ImportedName[];
}

export interface ImportedName {
  readonly imported: string;
  readonly local: string;
}

/** Every import of a file: static, re-exporting, dynamic with a literal, and in types. */
export function importsOf(
  program: Program,
  module: EcmaScriptModule,
  lineAt: (offset: number) => number,
): readonly ImportUse[] {
  const found = [
    ...staticImports(module),
    ...reexports(module),
    ...dynamicAndTypeImports(program),
  ].sort((one, other) => one.start - other.start);
  return found.map(({ start, ...use }) => ({ ...use, line: lineAt(start) }));
}

type Found = Omit<ImportUse, 'line'> & { readonly start: number };

function staticImports(module: EcmaScriptModule): Found[] {
  return module.staticImports.map(({ start, moduleRequest, entries }) => ({
    start,
    specifier: moduleRequest.value,
    typeOnly: entries.length > 0 && entries.every(({ isType }) => isType),
    names: entries
      .filter(({ isType }) => !isType)
      .map(({ importName, localName }) => ({
        imported: importName.name ?? unnamed(importName.kind),
        local: localName.value,
      })),
  }));
}

function unnamed(kind: string): string {
  return kind === 'Default' ? 'default' : '*';
}

function reexports(module: EcmaScriptModule): Found[] {
  return module.staticExports.flatMap(({ start, entries }) => {
    const specifier = entries.find(({ moduleRequest }) => moduleRequest !== null)?.moduleRequest;
    if (specifier == null) return [];
    return [
      {
        start,
        specifier: specifier.value,
        typeOnly: entries.every(({ isType }) => isType),
        names: entries
          .filter(({ isType }) => !isType)
          .map(({ importName }) => ({ imported: importName.name ?? '*', local: '' })),
      },
    ];
  });
}

function dynamicAndTypeImports(program: Program): Found[] {
  const found: Found[] = [];
  walk(program, (node) => {
    if (node.type !== 'ImportExpression' && node.type !== 'TSImportType') return;
    const { source, start } = node;
    if (source.type !== 'Literal' || typeof source.value !== 'string') return;
    const typeOnly = node.type === 'TSImportType';
    const names = typeOnly ? [] : [{ imported: '*', local: '' }];
    found.push({ start, specifier: source.value, typeOnly, names });
  });
  return found;
}
