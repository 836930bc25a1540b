import { expect, test } from 'vitest';

import { formatProblem, formatProblems, list, shorten, show, type Problem } from './problems.ts';

const problem: Problem = {
  file: 'sluice.yaml',
  line: 12,
  column: 16,
  path: 'routes[1].limiter',
  expected: 'the name of a limiter (public)',
  found: '"pubic"',
  remedy: 'did you mean "public"?',
};

test('a problem is one line with its place, what was expected, what is there and what to do', () => {
  expect(formatProblem(problem)).toBe(
    'sluice.yaml:12:16  routes[1].limiter: expected the name of a limiter (public), got "pubic"; did you mean "public"?',
  );
});

test('a problem of the file as a whole has no place, one in code has no file', () => {
  const { path, expected, found } = problem;
  expect(
    formatProblem({ file: 'a.yaml', path: '', expected: 'a file to read', found: 'a directory' }),
  ).toBe('a.yaml  expected a file to read, got a directory');
  expect(formatProblem({ path, expected, found })).toBe(
    'routes[1].limiter: expected the name of a limiter (public), got "pubic"',
  );
});

test('problems are listed with their number at the end', () => {
  const other: Problem = {
    file: 'sluice.yaml',
    line: 1,
    column: 1,
    path: '',
    expected: 'a',
    found: 'b',
  };
  expect(formatProblems([other, problem])).toBe(
    `sluice.yaml:1:1  expected a, got b\n${formatProblem(problem)}\n\n2 problems in sluice.yaml\n`,
  );
  expect(formatProblems([problem])).toMatch(/\n\n1 problem in sluice\.yaml\n$/);
  expect(formatProblems([{ path: 'a', expected: 'b', found: 'c' }])).toMatch(
    /1 problem in the configuration/,
  );
});

test('after the hundredth problem the rest are only counted', () => {
  const lines = formatProblems(Array.from({ length: 130 }, () => problem)).split('\n');
  expect(lines[99]).toBe(formatProblem(problem));
  expect(lines.slice(100)).toEqual(['… and 30 more', '', '130 problems in sluice.yaml', '']);
});

test('what is there is shown in at most 60 characters, and of mappings and lists only their size', () => {
  const cases: [unknown, string][] = [
    [undefined, 'nothing'],
    [null, 'null'],
    [-0.5, '-0.5'],
    [Number.NaN, 'NaN'],
    [true, 'true'],
    ['a"b\n\u001b', String.raw`"a\"b\n\u001b"`],
    [{ password: 'secret' }, 'a mapping of 1 key'],
    [{}, 'a mapping of 0 keys'],
    [['secret'], 'a list of 1'],
    [() => 0, 'a function'],
    [1n, 'a bigint'],
  ];
  for (const [value, text] of cases) expect(show(value)).toBe(text);
  expect(show('x'.repeat(1_000_000))).toBe(`"${'x'.repeat(58)}…`);
  expect(show('😀'.repeat(100)).length).toBeLessThanOrEqual(60);
  expect(shorten('😀'.repeat(100)).isWellFormed()).toBe(true);
});

test('a long list of names is cut after the fifth', () => {
  expect(list(['a', 'b', 'c', 'd', 'e'])).toBe('a, b, c, d, e');
  expect(list(['a', 'b', 'c', 'd', 'e', 'f', 'g'])).toBe('a, b, c, d, e and 2 more');
  expect(list([])).toBe('');
});
