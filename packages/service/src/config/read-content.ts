import { extname } from 'node:path';

import { readDocument, type Content } from './document.ts';
import { findJsonError } from './json-syntax.ts';
import { LineIndex, SourceMap, type Position } from './positions.ts';
import { show, type Finding } from './problems.ts';
import { MAX_CONFIG_BYTES, tooLarge } from './read-text.ts';
import { findStandIn, shield, type Environment } from './substitution.ts';
import { parseYaml } from './yaml-syntax.ts';

export interface ParseOptions {
  /** The name of the file: messages show it, and handlers are relative to its folder. */
  readonly file: string;
  /** JSON refuses all that is not JSON. @default 'json' for a file named *.json, else 'yaml' */
  readonly format?: 'yaml' | 'json' | undefined;
  /** What `${NAME}` is looked up in. @default {} */
  readonly env?: Environment | undefined;
}

/** Reads YAML or JSON, of which it takes 1 MiB. The value is undefined when it cannot be read. */
export function readContent(source: string, { file, format, env = {} }: ParseOptions): Content {
  const text = source.startsWith('\ufeff') ? source.slice(1) : source;
  const json = format === undefined ? extname(file).toLowerCase() === '.json' : format === 'json';
  if (Buffer.byteLength(text) > MAX_CONFIG_BYTES) return nothing([tooLarge()]);
  const lines = new LineIndex(text);
  const notJson = json ? findJsonError(text) : undefined;
  if (notJson) {
    const found = show(text.slice(notJson.offset, notJson.offset + 1) || undefined);
    return nothing([syntax(notJson.expected, found, lines.at(notJson.offset))]);
  }
  const standIn = findStandIn(text);
  if (standIn >= 0) {
    return nothing([
      syntax('characters of a text', 'a noncharacter of Unicode', lines.at(standIn)),
    ]);
  }
  // In JSON a tab is always between tokens; YAML does not take it everywhere.
  const { document, mistakes } = parseYaml(json ? text.replaceAll('\t', ' ') : shield(text));
  if (mistakes.length === 0) return readDocument(document, { lines, env, json });
  return nothing(
    mistakes.map(({ offset, message }) => ({
      ...syntax('valid YAML', 'a syntax error', lines.at(offset)),
      remedy: message,
    })),
  );
}

function syntax(expected: string, found: string, at: Position): Finding {
  return { path: '', expected, found, at };
}

function nothing(findings: readonly Finding[]): Content {
  return { value: undefined, findings, places: new SourceMap(), unreadable: new Set() };
}
