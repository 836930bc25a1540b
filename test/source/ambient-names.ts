import type { Node, VariableDeclarator } from 'oxc-parser';
import { childrenOf } from './walk.ts';

/** A name that running code reads, such as `Date.now`, with what it is read for. */
export interface AmbientName {
  readonly name: string;
  readonly use: Use;
  readonly start: number;
}

/** `argumentCount` tells `new Date()` from `new Date(0)`. */
export type Use =
  | { readonly kind: 'value' | 'instanceof' }
  | { readonly kind: 'call' | 'new'; readonly argumentCount: number };

const VALUE: Use = { kind: 'value' };

/**
 * Every name that the code under `program` reads, dotted: `Math.random`, never `random` alone.
 * `aliases` says what a local name stands for. Types do not run and are left out. Scopes are not
 * told apart: a local variable or parameter called `setTimeout` counts as the global one.
 */
export function ambientNames(
  program: Node,
  aliases: ReadonlyMap<string, string>,
): readonly AmbientName[] {
  const found: AmbientName[] = [];
  const add = (name: string, use: Use, start: number): void => {
    found.push({ name: canonical(name, aliases), use, start });
  };
  const visit = (node: Node, use: Use = VALUE): void => {
    const name = dottedName(node);
    if (name !== undefined) add(name, use, node.start);
    else if (node.type === 'VariableDeclarator') visitDeclarator(node, visit, add);
    else for (const [child, childUse] of readBelow(node, use)) visit(child, childUse);
  };
  visit(program);
  return found;
}

type Visit = (node: Node, use?: Use) => void;
type Add = (name: string, use: Use, start: number) => void;

/** `const { now } = Date` reads `Date.now`. */
function visitDeclarator({ id, init }: VariableDeclarator, visit: Visit, add: Add): void {
  visit(id);
  if (init === null) return;
  const source = dottedName(init);
  if (source === undefined || id.type !== 'ObjectPattern') {
    visit(init);
    return;
  }
  for (const property of id.properties) {
    if (property.type === 'RestElement') add(source, VALUE, property.start);
    else add(`${source}.${keyName(property.key) ?? '*'}`, VALUE, property.start);
  }
}

/** The children of a node that are read, each with what it is read for. */
function readBelow(node: Node, use: Use): readonly (readonly [Node, Use])[] {
  switch (node.type) {
    case 'CallExpression':
    case 'NewExpression': {
      const kind = node.type === 'NewExpression' ? 'new' : 'call';
      const called: Use = { kind, argumentCount: node.arguments.length };
      return [[node.callee, called], ...asValues(node.arguments)];
    }
    case 'BinaryExpression':
      if (node.operator !== 'instanceof') return asValues(childrenOf(node));
      return [
        [node.left, VALUE],
        [node.right, { kind: 'instanceof' }],
      ];
    case 'MemberExpression':
      return asValues(node.computed ? [node.object, node.property] : [node.object]);
    case 'Property':
    case 'PropertyDefinition':
    case 'AccessorProperty':
    case 'MethodDefinition':
      return asValues(childrenOf(node).filter((child) => node.computed || child !== node.key));
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ExportSpecifier':
      return [];
    default:
      return wrapsValue(node)
        ? [[node.expression, use]]
        : asValues(isType(node) ? [] : childrenOf(node));
  }
}

function asValues(nodes: readonly Node[]): readonly (readonly [Node, Use])[] {
  return nodes.map((node) => [node, VALUE] as const);
}

type Wrapper = Extract<
  Node,
  {
    type:
      | 'ChainExpression'
      | 'ParenthesizedExpression'
      | 'TSAsExpression'
      | 'TSSatisfiesExpression'
      | 'TSNonNullExpression'
      | 'TSInstantiationExpression';
  }
>;
const WRAPPERS: ReadonlySet<string> = new Set<Wrapper['type']>([
  'ChainExpression',
  'ParenthesizedExpression',
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSInstantiationExpression',
]);

function wrapsValue(node: Node): node is Wrapper {
  return WRAPPERS.has(node.type);
}

function isType(node: Node): boolean {
  return node.type.startsWith('TS');
}

/** `a.b.c`, `a['b']` and `(a as T).b` as one name; undefined for anything that is not a plain path. */
function dottedName(node: Node): string | undefined {
  if (node.type === 'Identifier') return node.name;
  if (wrapsValue(node)) return dottedName(node.expression);
  if (node.type !== 'MemberExpression') return undefined;
  const object = dottedName(node.object);
  const key = node.computed ? literalKey(node.property) : keyName(node.property);
  return object === undefined || key === undefined ? undefined : `${object}.${key}`;
}

function keyName(key: Node): string | undefined {
  return key.type === 'Identifier' ? key.name : literalKey(key);
}

function literalKey(key: Node): string | undefined {
  return key.type === 'Literal' && typeof key.value === 'string' ? key.value : undefined;
}

function canonical(name: string, aliases: ReadonlyMap<string, string>): string {
  const [head = '', ...rest] = name.replace(/^(globalThis|global)\./, '').split('.');
  return [aliases.get(head) ?? head, ...rest].join('.');
}
