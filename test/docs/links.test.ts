import { expect, test } from 'vitest';
import { linkProblems } from './links.ts';

const files = new Set(['docs/a.md', 'docs/pictures/p.svg', 'README.md', 'docs']);

function problems(text: string): readonly string[] {
  const pages = new Map([
    ['docs/a.md', text],
    ['README.md', '# Two commands'],
  ]);
  return linkProblems({ pages, exists: (path) => files.has(path) });
}

test.for([
  '[up](../README.md)',
  '[heading](../README.md#two-commands)',
  '# Here\n\n[here](#here)',
  '![picture](pictures/p.svg)',
  '[folder](../docs)',
  '[elsewhere](https://example.com/none)',
  '[mail](mailto:nobody@example.com)',
])('%s leads somewhere', (text) => {
  expect(problems(text)).toEqual([]);
});

test.for([
  ['[gone](gone.md)', 'docs/a.md:1 links to gone.md, and there is no docs/gone.md'],
  [
    '\n[gone](../README.md#three)',
    'docs/a.md:2 links to ../README.md#three, and README.md has no such heading',
  ],
  ['[here](#there)', 'docs/a.md:1 links to #there, and docs/a.md has no such heading'],
  ['[root](/README.md)', 'docs/a.md:1 links to /README.md, which is no relative path'],
  ['[out](../../x.md)', 'docs/a.md:1 links to ../../x.md, and there is no ../x.md'],
] as const)('%s leads nowhere', ([text, problem]) => {
  expect(problems(text)).toEqual([problem]);
});
