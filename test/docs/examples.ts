import type { CodeBlock } from './markdown.ts';

/** A program made of one block of code, or of several that continue each other. */
export interface Example {
  /** The page or source file that shows it, relative to the repository. */
  readonly page: string;
  /** Of its first line of code. */
  readonly line: number;
  /** Its lines stand where they stand on the page, so that a compiler names the right ones. */
  readonly text: string;
  readonly runs: boolean;
}

/** The marks that may stand behind ```ts, for messages. */
const MARKS =
  '`ts` compiles and runs, `ts continued` goes on from the block before it,' +
  ' `ts no-run: <reason>` only compiles, `ts ignore: <reason>` does neither';

const MARK = /^(?<continued>continued)?\s*(?:(?<limit>no-run|ignore): *(?<reason>\S.*))?$/;

/** The TypeScript examples among the `blocks` of a page, and what is wrong with their marks. */
export function examplesOf(
  page: string,
  blocks: readonly CodeBlock[],
): { readonly examples: readonly Example[]; readonly problems: readonly string[] } {
  const examples: Example[] = [];
  const problems: string[] = [];
  for (const { language, mark, line, text } of blocks) {
    if (!/^(ts|typescript)$/.test(language)) continue;
    const { continued, limit } = MARK.exec(mark)?.groups ?? { limit: 'wrong' };
    const previous = continued === undefined ? undefined : examples.at(-1);
    if (limit === 'wrong') {
      problems.push(`${page}:${line} is marked "ts ${mark}", which says nothing: ${MARKS}`);
    } else if (continued !== undefined && previous === undefined) {
      problems.push(`${page}:${line} continues a block, and there is none before it`);
    } else if (limit !== 'ignore') {
      const start = previous?.text ?? '';
      const runs = limit === undefined && previous?.runs !== false;
      examples.push({ page, line, text: padded(start, line) + text, runs });
    }
  }
  return { examples, problems };
}

/** `start`, and as many empty lines as it takes for the next text to begin on `line`. */
function padded(start: string, line: number): string {
  return start + '\n'.repeat(line - start.split('\n').length);
}

const DECLARATION = /\b(?:const|let|class|function|interface|type)\s+(\w+|\{[^}]*\}|\[[^\]]*\])/g;

/** What a door exports, and where from. */
export interface Door {
  readonly specifier: string;
  readonly names: readonly { readonly name: string; readonly isType: boolean }[];
}

/**
 * A docstring stands beside what it explains, so its example may leave out the imports: whatever a
 * door exports and the example does not declare is there. A page for readers shows its imports.
 */
export function withImports(example: Example, doors: readonly Door[]): Example {
  if (/^import\b/m.test(example.text)) return example;
  const words = new Set(example.text.match(/\w+/g));
  const declared = new Set(
    [...example.text.matchAll(DECLARATION)].flatMap(([, names = '']) => names.match(/\w+/g) ?? []),
  );
  const imports = doors.map(({ specifier, names }) => {
    const used = names.filter(({ name }) => words.has(name) && !declared.has(name));
    const list = used.map(({ name, isType }) => (isType ? `type ${name}` : name)).join(', ');
    return list === '' ? '' : `import { ${list} } from '${specifier}'; `;
  });
  return { ...example, text: imports.join('') + example.text };
}
