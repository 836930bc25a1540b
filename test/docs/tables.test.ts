import { expect, test } from 'vitest';
import { parseSource } from '../source/source-file.ts';
import { dependencyProblems } from './dependency-list.ts';
import { errorClassesOf } from './error-classes.ts';
import { errorTableProblems } from './error-table.ts';

const source = `
export abstract class SluiceError extends Error { abstract readonly code: string; }
export abstract class RejectedError extends SluiceError {}
export class LimitedError extends RejectedError { readonly code = 'X_LIMITED'; }
export class NarrowError extends LimitedError {}
export class WrongError extends SluiceError { override readonly code = 'X_WRONG' as const; }
export class OtherError extends Error { readonly code = 'X_OTHER'; }
`;
const classes = errorClassesOf([parseSource('errors.ts', source)]);
const statusByCode = { X_LIMITED: 429 };
const head = '| error | code | HTTP | when | what to do |\n|---|---|---|---|---|\n';
const rows = [
  '| `LimitedError` | `X_LIMITED` | 429 | often | wait |',
  '| `NarrowError` | `X_LIMITED` | 429 | at times | wait |',
  '| `WrongError` | `X_WRONG` | – | never | mend it |',
];

function problems(
  changed: readonly string[],
  statuses: Record<string, number> = statusByCode,
): readonly string[] {
  return errorTableProblems(head + changed.join('\n'), classes, statuses);
}

test('errors are found in the code with the codes that they have or inherit', () => {
  expect(classes).toEqual([
    { name: 'LimitedError', code: 'X_LIMITED' },
    { name: 'NarrowError', code: 'X_LIMITED' },
    { name: 'WrongError', code: 'X_WRONG' },
  ]);
});

test('a table that says what the code says has no problems', () => {
  expect(problems(rows)).toEqual([]);
});

test.for([
  ['no row for an error', rows.slice(1), 'LimitedError (X_LIMITED) has no row'],
  [
    'a row for an error that is gone',
    [...rows, '| `GoneError` | `X_GONE` | 500 | then | go |'],
    'line 6: no error is called `GoneError`',
  ],
  [
    'a wrong code',
    rows.map((row) => row.replace('`X_WRONG`', '`X_WRONGLY`')),
    'line 5: WrongError has the code `X_WRONG`, not `X_WRONGLY`',
  ],
  [
    'a wrong status',
    rows.map((row) => row.replace('429 | often', '503 | often')),
    'line 3: LimitedError has the HTTP status 429, not 503',
  ],
  [
    'a status that the code does not have',
    rows.map((row) => row.replace('–', '500')),
    'line 5: WrongError has the HTTP status –, not 500',
  ],
  [
    'nothing to do',
    rows.map((row) => row.replace('mend it', '')),
    'line 5: WrongError does not say what to do',
  ],
  [
    'no occasion',
    rows.map((row) => row.replace('never', '')),
    'line 5: WrongError does not say when it is thrown',
  ],
  ['an error twice', [...rows, rows[0] ?? ''], 'LimitedError has two rows'],
] as const)('the table of errors must not have %s', ([, changed, problem]) => {
  expect(problems(changed)).toEqual([problem]);
});

test('a status for a code that no error has is a problem, and so is a missing table', () => {
  expect(problems(rows, { ...statusByCode, X_LOST: 500 })).toEqual([
    'HTTP_STATUS_BY_CODE names X_LOST, which no error has',
  ]);
  expect(errorTableProblems('', classes, statusByCode)).toEqual([
    'there is no table | error | code | HTTP | when | what to do |',
  ]);
});

const manifests = [
  { name: 'ours', dependencies: { yaml: '1' } },
  { name: 'bench', dependencies: { ours: '1' }, devDependencies: { yaml: '1', peer: '1' } },
];
const list = '| package | why |\n|---|---|\n';

test.for([
  ['every dependency with a reason', '| `yaml` | reads |\n| `peer` | rival |\n| `ours` | us |', []],
  [
    'a dependency that is not listed',
    '| `peer` | rival |',
    ['yaml, a dependency of ours and bench, is not listed'],
  ],
  [
    'a listed package that nothing depends on',
    '| `yaml` | reads |\n| `peer` | rival |\n| `gone` | was |',
    ['line 5: nothing depends on gone'],
  ],
  [
    'a dependency without a reason',
    '| `yaml` | reads |\n| `peer` | |',
    ['line 4: peer has no reason'],
  ],
  [
    'a row that names no package',
    '| `yaml` | reads |\n| `peer` | rival |\n| yaml | reads |',
    ['line 5: the first cell names no package as `code`'],
  ],
] as const)('the list of dependencies is judged with %s', ([, text, expected]) => {
  expect(dependencyProblems(list + text, manifests)).toEqual(expected);
});
