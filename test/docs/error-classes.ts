import type { Class, Expression } from 'oxc-parser';
import type { SourceFile } from '../source/source-file.ts';
import { walk } from '../source/walk.ts';

/** A class of errors that is thrown on purpose. */
export interface ErrorClass {
  readonly name: string;
  /** Undefined when neither it nor what it extends declares one. */
  readonly code: string | undefined;
}

/** Every class in `files` that is not abstract and stands below `SluiceError`. */
export function errorClassesOf(files: readonly SourceFile[]): readonly ErrorClass[] {
  const declared = new Map(files.flatMap(classesOf).map((each) => [each.name, each]));
  return [...declared.values()]
    .filter(({ isAbstract }) => !isAbstract)
    .map((each) => lineOf(each, declared))
    .filter((line) => line.some(({ name }) => name === 'SluiceError'))
    .map((line) => ({
      name: line[0]?.name ?? '',
      code: line.find(({ code }) => code !== undefined)?.code,
    }));
}

interface Declared {
  readonly name: string;
  readonly base: string | undefined;
  readonly code: string | undefined;
  readonly isAbstract: boolean;
}

function classesOf({ program }: SourceFile): readonly Declared[] {
  const classes: Declared[] = [];
  walk(program, (node) => {
    if (node.type !== 'ClassDeclaration' || node.id === null) return;
    const base = node.superClass?.type === 'Identifier' ? node.superClass.name : undefined;
    const isAbstract = node.abstract === true;
    classes.push({ name: node.id.name, base, code: codeIn(node), isAbstract });
  });
  return classes;
}

/** A class and what it extends, nearest first. */
function lineOf(start: Declared, all: ReadonlyMap<string, Declared>): readonly Declared[] {
  const line = [start];
  for (let at = start.base; at !== undefined; at = line.at(-1)?.base) {
    const base = all.get(at);
    if (base === undefined || line.includes(base)) break;
    line.push(base);
  }
  return line;
}

function codeIn({ body }: Class): string | undefined {
  for (const member of body.body) {
    if (member.type !== 'PropertyDefinition' || member.key.type !== 'Identifier') continue;
    if (member.key.name === 'code') return textOf(member.value);
  }
  return undefined;
}

function textOf(value: Expression | null): string | undefined {
  if (value?.type === 'TSAsExpression') return textOf(value.expression);
  return value?.type === 'Literal' && typeof value.value === 'string' ? value.value : undefined;
}
