import {
  isAlias,
  isNode,
  parseDocument,
  visit,
  type Alias,
  type Document,
  type ErrorCode,
  type Node,
} from 'yaml';

import { unshield } from './substitution.ts';

/** A mistake in the syntax of a text. */
export interface SyntaxMistake {
  readonly offset: number;
  readonly message: string;
}

/** What the parser says too technically. */
const SAID: Readonly<Partial<Record<ErrorCode, string>>> = {
  MULTIPLE_DOCS: 'there is more than one document',
  NON_STRING_KEY: 'a key must be a single text',
  RESOURCE_EXHAUSTION: 'it is too deeply nested',
};

/** Errors after the tenth, and all but the first at one place, are echoes of those before. */
const MOST_MISTAKES = 10;

/**
 * Parses YAML 1.2, which JSON is a part of. Whether keys are written twice is left to the reader of
 * the document: the parser compares every key with every other. It never throws.
 */
export function parseYaml(text: string): {
  readonly document: Document;
  readonly mistakes: readonly SyntaxMistake[];
} {
  const document = parseCheaply(text);
  const mistakes = [...document.errors, ...document.warnings]
    .filter(({ pos }, index, all) => pos[0] !== all[index - 1]?.pos[0])
    .slice(0, MOST_MISTAKES)
    .map(({ pos, code, message }) => ({
      offset: pos[0],
      message: SAID[code] ?? lowerFirst(unshield(message)),
    }));
  return { document, mistakes };
}

/** A text of nothing but commas is a million errors, and their stack traces are what takes time. */
function parseCheaply(text: string): Document {
  const frames = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return parseDocument(text, {
      prettyErrors: false,
      resolveKnownTags: false,
      stringKeys: true,
      uniqueKeys: false,
    });
  } finally {
    Error.stackTraceLimit = frames;
  }
}

/** What every alias stands for: the last node before it that has its anchor. One pass for all of them. */
export function aliasTargets(document: Document): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, (_, node) => {
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target) targets.set(node, target);
    } else if (isNode(node) && node.anchor !== undefined) {
      anchors.set(node.anchor, node);
    }
  });
  return targets;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
