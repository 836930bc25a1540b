import type { ErrorClass } from './error-classes.ts';
import { codeOf, tablesOf } from './markdown.ts';

/** The columns of the table in `docs/errors.md`. */
const ERROR_COLUMNS = ['error', 'code', 'HTTP', 'when', 'what to do'] as const;

/** What stands in the HTTP column of an error that never reaches a client. */
const NO_STATUS = '–';

/** Where the table of errors on `page` and the code say different things. */
export function errorTableProblems(
  page: string,
  classes: readonly ErrorClass[],
  statusByCode: Readonly<Record<string, number>>,
): readonly string[] {
  const table = tablesOf(page).find(({ header }) => header.join() === ERROR_COLUMNS.join());
  if (table === undefined) return [`there is no table | ${ERROR_COLUMNS.join(' | ')} |`];
  const rows = table.rows.map(({ cells, line }) => ({ name: codeOf(cells[0]) ?? '', cells, line }));
  const byName = new Map(classes.map((each) => [each.name, each]));
  return [
    ...rows.flatMap(({ name, cells, line }) =>
      rowProblems(byName.get(name), cells, statusByCode).map(
        (problem) => `line ${line}: ${problem}`,
      ),
    ),
    ...repeated(rows.map(({ name }) => name)).map((name) => `${name} has two rows`),
    ...classes
      .filter(({ name }) => !rows.some((row) => row.name === name))
      .map(({ name, code }) => `${name} (${code ?? 'no code'}) has no row`),
    ...Object.keys(statusByCode)
      .filter((code) => !classes.some((each) => each.code === code))
      .map((code) => `HTTP_STATUS_BY_CODE names ${code}, which no error has`),
  ];
}

function rowProblems(
  error: ErrorClass | undefined,
  [name, code, status, when, remedy]: readonly string[],
  statusByCode: Readonly<Record<string, number>>,
): readonly string[] {
  if (error === undefined) return [`no error is called ${name ?? ''}`];
  const expectedStatus = String(statusByCode[error.code ?? ''] ?? NO_STATUS);
  const problems: string[] = [];
  if (codeOf(code) !== error.code) {
    problems.push(`${error.name} has the code \`${error.code ?? ''}\`, not ${code ?? ''}`);
  }
  if (status !== expectedStatus) {
    problems.push(`${error.name} has the HTTP status ${expectedStatus}, not ${status ?? ''}`);
  }
  if ((when ?? '') === '') problems.push(`${error.name} does not say when it is thrown`);
  if ((remedy ?? '') === '') problems.push(`${error.name} does not say what to do`);
  return problems;
}

function repeated(names: readonly string[]): readonly string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}
