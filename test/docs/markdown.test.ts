import { expect, test } from 'vitest';
import { anchorsOf, linksOf, parsePage, tablesOf } from './markdown.ts';

test('a block of code has its language, its mark and the line of its first line', () => {
  const page =
    'Text\n\n```ts no-run: listens\nconst a = 1;\n\nconst b = 2;\n```\n\n~~~~sh\nls\n~~~\n~~~~\n';
  expect(parsePage(page).blocks).toEqual([
    { language: 'ts', mark: 'no-run: listens', line: 4, text: 'const a = 1;\n\nconst b = 2;' },
    { language: 'sh', mark: '', line: 10, text: 'ls\n~~~' },
  ]);
});

test('a shorter fence inside a block does not close it', () => {
  expect(parsePage('````md\n```ts\nx\n```\n````').blocks).toEqual([
    { language: 'md', mark: '', line: 2, text: '```ts\nx\n```' },
  ]);
});

test('links and pictures are found, those in code are not', () => {
  const page =
    '[a](a.md#b "title") ![p](p.svg)\n`[no](no.md)`\n```\n[no](no.md)\n```\n[ref]: r.md\n<img src="i.png">\n' +
    '[`code`](c.md) [<](<d.md>)';
  expect(linksOf(page)).toEqual([
    { target: 'a.md#b', line: 1 },
    { target: 'p.svg', line: 1 },
    { target: 'r.md', line: 6 },
    { target: 'i.png', line: 7 },
    { target: 'c.md', line: 8 },
    { target: 'd.md', line: 8 },
  ]);
});

test('headings become anchors as GitHub names them', () => {
  const page =
    '# Token bucket\n## When *not* to use it?\n## `execute()`\n## Options\n## Options\n<a id="here">';
  expect([...anchorsOf(page)]).toEqual([
    'token-bucket',
    'when-not-to-use-it',
    'execute',
    'options',
    'options-1',
    'here',
  ]);
});

test('a table has its header and its rows, with their lines', () => {
  const page = 'Text\n\n| a | b |\n|---|:-:|\n| 1 | x \\| y |\n| 2 | |\n\n| no table |\n';
  expect(tablesOf(page)).toEqual([
    {
      header: ['a', 'b'],
      rows: [
        { cells: ['1', 'x \\| y'], line: 5 },
        { cells: ['2', ''], line: 6 },
      ],
    },
  ]);
});
