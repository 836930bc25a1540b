import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Alias,
  type Document,
  type Node,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';

import { childPath, type ConfigPath } from './paths.ts';
import { SourceMap, type LineIndex, type Position } from './positions.ts';
import { show, type Finding } from './problems.ts';
import {
  readScalar,
  substitute,
  unshield,
  type Environment,
  type SubstitutionFailure,
} from './substitution.ts';
import { aliasTargets } from './yaml-syntax.ts';

/** What a text says, and where it says it. */
export interface Content {
  readonly value: unknown;
  readonly places: SourceMap;
  readonly findings: readonly Finding[];
  /** Paths whose value could not be read: what follows from that is no news. */
  readonly unreadable: ReadonlySet<ConfigPath>;
}

export interface ReadOptions {
  readonly lines: LineIndex;
  readonly env: Environment;
  /** JSON has no unquoted texts, so there a quoted `"${PORT}"` is read again as a value. */
  readonly json: boolean;
}

interface Entry {
  readonly key: Scalar;
  readonly value: Node | null;
}

/** Keys that would reach into the prototypes of objects. */
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Aliases repeat what they stand for, so that a few lines could make billions of values. */
const MOST_VALUES = 100_000;
const DEEPEST = 50;

/**
 * Reads a document without mistakes to plain values, with variables put in, aliases followed and
 * merge keys (`<<`) merged. O(values), of which it reads no more than 100,000.
 */
export function readDocument(document: Document, options: ReadOptions): Content {
  return new DocumentReader(aliasTargets(document), options).read(document.contents);
}

class DocumentReader {
  readonly #targets: ReadonlyMap<Alias, Node>;
  readonly #options: ReadOptions;
  readonly #places = new SourceMap();
  readonly #findings: Finding[] = [];
  readonly #unreadable = new Set<ConfigPath>();
  /** The mappings and lists around the present node, aliases followed. */
  readonly #open = new Set<Node>();
  #values = 0;

  constructor(targets: ReadonlyMap<Alias, Node>, options: ReadOptions) {
    this.#targets = targets;
    this.#options = options;
  }

  read(root: Node | null): Content {
    const value = this.#value(root, '', 0);
    return { value, places: this.#places, findings: this.#findings, unreadable: this.#unreadable };
  }

  #value(node: Node | null, path: ConfigPath, depth: number): unknown {
    if (!this.#count(path)) return undefined;
    if (node === null) return null;
    this.#places.setValue(path, this.#position(node));
    if (depth > DEEPEST)
      return this.#refuse({ path, expected: `at most ${DEEPEST} levels`, found: 'more' });
    if (isAlias(node)) return this.#alias(node, path, depth);
    if (isScalar(node)) return this.#scalar(node, path);
    return isMap(node) || isSeq(node) ? this.#collection(node, path, depth) : null;
  }

  #collection(node: YAMLMap | YAMLSeq, path: ConfigPath, depth: number): unknown {
    this.#open.add(node);
    const value = isMap(node) ? this.#mapping(node, path, depth) : this.#list(node, path, depth);
    this.#open.delete(node);
    return value;
  }

  #alias(alias: Alias, path: ConfigPath, depth: number): unknown {
    const target = this.#targets.get(alias);
    const found = `*${alias.source}`;
    if (target === undefined) return this.#refuse({ path, expected: 'an anchor above', found });
    if (this.#open.has(target)) {
      return this.#refuse({ path, expected: 'an anchor of what it is no part of', found });
    }
    return this.#value(target, path, depth);
  }

  #mapping(node: YAMLMap, path: ConfigPath, depth: number): unknown {
    const entries = new Map<string, Entry>();
    this.#collect(node, path, entries);
    const read: [string, unknown][] = [];
    for (const [name, { key, value }] of entries) {
      const child = childPath(path, name);
      this.#places.setKey(child, this.#position(key));
      read.push([name, this.#value(value, child, depth + 1)]);
    }
    return Object.fromEntries(read);
  }

  /** Takes the entries of the mapping that are right; those merged into it give way to its own. */
  #collect(node: YAMLMap, path: ConfigPath, entries: Map<string, Entry>): void {
    const merged: Node[] = [];
    for (const { key, value } of node.items as Entry[]) {
      const name = unshield(String(key.value));
      const child = childPath(path, name);
      if (name === '<<' && key.type === 'PLAIN' && value) merged.push(value);
      else if (FORBIDDEN_KEYS.has(name)) this.#forbid(child, key);
      else if (entries.has(name)) this.#repeat(child, key, entries.get(name)?.key);
      else entries.set(name, { key, value });
    }
    for (const source of merged) this.#merge(source, path, entries);
  }

  #merge(source: Node, path: ConfigPath, entries: Map<string, Entry>): void {
    const child = childPath(path, '<<');
    const at = this.#position(source);
    if (!this.#count(child)) return;
    const node = isAlias(source) ? this.#targets.get(source) : source;
    if (isSeq(node)) {
      for (const item of node.items as Node[]) this.#merge(item, path, entries);
      return;
    }
    if (!isMap(node) || this.#open.has(node)) {
      this.#refuse({
        at,
        path: child,
        expected: 'an alias of another mapping',
        found: isAlias(source) ? `*${source.source}` : 'something else',
      });
      return;
    }
    this.#open.add(node);
    const others = new Map<string, Entry>();
    this.#collect(node, child, others);
    this.#open.delete(node);
    for (const [name, entry] of others) {
      if (this.#count(child) && !entries.has(name)) entries.set(name, entry);
    }
  }

  #list(node: YAMLSeq, path: ConfigPath, depth: number): unknown {
    return (node.items as (Node | null)[]).map((item, index) =>
      this.#value(item, childPath(path, index), depth + 1),
    );
  }

  #scalar(node: Scalar, path: ConfigPath): unknown {
    if (typeof node.value !== 'string') return node.value;
    const written = unshield(node.value);
    if (!written.includes('${')) return written;
    const { text, replaced, whole, failures } = substitute(written, this.#options.env);
    for (const failure of failures) this.#missing(failure, path, written);
    if (failures.length > 0) return undefined;
    if (replaced) this.#places.setWritten(path, written);
    return whole && (this.#options.json || node.type === 'PLAIN') ? readScalar(text) : text;
  }

  #missing(failure: SubstitutionFailure, path: ConfigPath, written: string): void {
    if (failure.kind === 'malformed') {
      const remedy = 'write $${ for a plain ${';
      this.#refuse({ path, expected: '${NAME} or ${NAME:-default}', found: show(written), remedy });
      return;
    }
    const { name } = failure;
    const remedy = `set it, or write \${${name}:-default}`;
    this.#refuse({ path, expected: `the environment variable ${name}`, found: 'nothing', remedy });
  }

  #forbid(path: ConfigPath, key: Scalar): void {
    this.#places.setKey(path, this.#position(key));
    this.#refuse({
      path,
      expected: 'another key',
      found: `the key ${show(key.value)}`,
      part: 'key',
    });
  }

  #repeat(path: ConfigPath, key: Scalar, first: Scalar | undefined): void {
    const remedy = first && `it is on line ${this.#position(first).line} already`;
    const found = `${show(key.value)} again`;
    this.#findings.push({
      path,
      expected: 'every key once',
      found,
      remedy,
      at: this.#position(key),
    });
  }

  /** Notes what is wrong, and that nothing can be said about the value. */
  #refuse(finding: Finding): undefined {
    this.#findings.push(finding);
    this.#unreadable.add(finding.path);
  }

  /** Whether one value more may be read. */
  #count(path: ConfigPath): boolean {
    this.#values++;
    if (this.#values === MOST_VALUES + 1) {
      this.#refuse({
        path,
        expected: `at most ${MOST_VALUES} values with aliases followed`,
        found: 'more',
      });
    }
    return this.#values <= MOST_VALUES;
  }

  #position(node: Node): Position {
    return this.#options.lines.at(node.range?.[0] ?? 0);
  }
}
