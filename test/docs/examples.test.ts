import { afterAll, expect, test } from 'vitest';
import { parseSource } from '../source/source-file.ts';
import { docstringBlocks } from './docstrings.ts';
import type { Example } from './examples.ts';
import { examplesOf, withImports } from './examples.ts';
import { parsePage } from './markdown.ts';
import { Workbench } from './workbench.ts';

const fence = (mark: string, code: string): string => `\`\`\`${mark}\n${code}\n\`\`\`\n`;

function judged(page: string): ReturnType<typeof examplesOf> {
  return examplesOf('a.md', parsePage(page).blocks);
}

test('an example keeps its lines, runs, and other languages are left alone', () => {
  const { examples, problems } = judged(`# A\n\n${fence('ts', 'f();')}${fence('sh', 'ls')}`);
  expect(examples).toEqual([{ page: 'a.md', line: 4, text: '\n\n\nf();', runs: true }]);
  expect(problems).toEqual([]);
});

test('an example goes on from the one before it when it says so', () => {
  const { examples } = judged(
    `${fence('ts', 'const a = 1;')}Text\n${fence('ts continued', 'f(a);')}`,
  );
  expect(examples.map(({ text }) => text)).toEqual([
    '\nconst a = 1;',
    '\nconst a = 1;\n\n\n\nf(a);',
  ]);
});

test('an example that only compiles, and all that goes on from it, is not run', () => {
  const { examples } = judged(fence('ts no-run: listens', 'a;') + fence('ts continued', 'b;'));
  expect(examples.map(({ runs }) => runs)).toEqual([false, false]);
});

test('an example that is ignored with a reason is left alone', () => {
  expect(judged(fence('ts ignore: what not to write', 'a b'))).toEqual({
    examples: [],
    problems: [],
  });
});

test.for(['ignore', 'ignore:', 'no-run', 'run', 'whatever'])('the mark "%s" is refused', (mark) => {
  const { examples, problems } = judged(fence(`ts ${mark}`, 'a;'));
  expect(examples).toEqual([]);
  expect(problems.join()).toContain(`a.md:2 is marked "ts ${mark}", which says nothing`);
});

test('an example cannot go on from nothing', () => {
  expect(judged(fence('ts continued', 'a;')).problems).toEqual([
    'a.md:2 continues a block, and there is none before it',
  ]);
});

test('docstrings give their fenced blocks, and what is unfenced behind @example', () => {
  const file = parseSource(
    'a.ts',
    [
      '/**',
      ' * A.',
      ' *',
      ' * @example',
      ' * const a = 1;',
      ' *',
      ' * f(a);',
      ' * @throws never',
      ' */',
      'export const a = 1;',
      '/**',
      ' * @example With words.',
      ' * ```ts no-run: waits',
      ' * await b;',
      ' * ```',
      ' */',
      'export const b = 2; // @example no',
      '/* @example no */',
    ].join('\n'),
  );
  expect(docstringBlocks(file)).toEqual([
    { language: 'ts', mark: '', line: 5, text: 'const a = 1;\n\nf(a);' },
    { language: 'ts', mark: 'no-run: waits', line: 14, text: 'await b;' },
  ]);
});

test('an example in a docstring finds what the doors export, unless it imports or declares it', () => {
  const names = [
    { name: 'Bucket', isType: false },
    { name: 'Options', isType: true },
    { name: 'unused', isType: false },
  ];
  const doors = [{ specifier: 'pkg', names }];
  const imported = (text: string): string =>
    withImports({ page: 'a.ts', line: 2, text, runs: true }, doors).text;
  expect(imported('\nnew Bucket() as Options;')).toBe(
    `import { Bucket, type Options } from 'pkg'; \nnew Bucket() as Options;`,
  );
  expect(imported('\nclass Bucket {}\nnew Bucket();')).toBe('\nclass Bucket {}\nnew Bucket();');
  expect(imported(`\nimport { Bucket } from 'x';`)).toBe(`\nimport { Bucket } from 'x';`);
});

const example = (line: number, code: string): Example => ({
  page: 'docs/fake.md',
  line,
  text: '\n'.repeat(line - 1) + code,
  runs: true,
});
const bench = new Workbench([
  example(3, `import { TokenBucket } from '@sluice/core';\nnew TokenBucket({ ratePerSecond: 1 });`),
  example(7, `const a: string = 1;`),
  example(9, `console.log('before');\nthrow new Error('no good');`),
  { ...example(20, `throw new Error('not run');`), runs: false },
]);
afterAll(() => bench.remove());

test('an example that does not compile is told by its page and line', async () => {
  expect(await bench.compile()).toEqual([
    `docs/fake.md(7,7): error TS2322: Type 'number' is not assignable to type 'string'.`,
  ]);
});

test('an example that fails when it runs is told with what it said', async () => {
  const problems = await bench.runAll();
  expect(problems).toHaveLength(1);
  expect(problems.join()).toMatch(
    /^docs\/fake\.md:9 failed\nbefore\ndocs\/fake\.md:10\n[^]*no good/,
  );
});

test('an example that leaves something running has failed', async () => {
  const hanging = new Workbench([example(5, 'setInterval(() => {}, 1_000);')], 2_000);
  const problems = await hanging.runAll();
  hanging.remove();
  expect(problems).toEqual(['docs/fake.md:5 failed\nended by SIGTERM; it had 2000 ms\n']);
});
