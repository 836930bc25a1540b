import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as core from '@sluice/core';
import { afterAll, expect, test } from 'vitest';
import { HTTP_STATUS_BY_CODE } from '../packages/service/src/http/index.ts';
import { root, workspaces } from '../scripts/workspace.ts';
import { dependencyProblems } from './docs/dependency-list.ts';
import { docstringBlocks } from './docs/docstrings.ts';
import { publicDoors } from './docs/doors.ts';
import { errorClassesOf } from './docs/error-classes.ts';
import { errorTableProblems } from './docs/error-table.ts';
import { examplesOf, withImports } from './docs/examples.ts';
import { linkProblems } from './docs/links.ts';
import { parsePage } from './docs/markdown.ts';
import { Workbench } from './docs/workbench.ts';
import { repositoryFiles } from './source/tree.ts';

const pages = new Map(
  globSync('**/*.md', { cwd: root, exclude: (name) => /(^|\/)(node_modules|dist)$/.test(name) })
    .sort()
    .map((path) => [path, readFileSync(join(root, path), 'utf8')]),
);
const sources = repositoryFiles().filter(({ path }) =>
  /^packages\/[^/]+\/src\/.*(?<!\.test)\.ts$/.test(path),
);
const page = (path: string): string => pages.get(path) ?? '';

const onPages = [...pages].map(([path, text]) => examplesOf(path, parsePage(text).blocks));
const inDocstrings = sources.map((file) => examplesOf(file.path, docstringBlocks(file)));
const doors = publicDoors();
const workbench = new Workbench([
  ...onPages.flatMap(({ examples }) => examples),
  ...inDocstrings.flatMap(({ examples }) => examples.map((each) => withImports(each, doors))),
]);
afterAll(() => workbench.remove());

function expectNone(problems: readonly string[]): void {
  expect(problems.join('\n')).toBe('');
}

test('docs/errors.md and the errors say the same: name, code and HTTP status', () => {
  const classes = errorClassesOf(sources);
  expectNone(errorTableProblems(page('docs/errors.md'), classes, HTTP_STATUS_BY_CODE));
});

test('every error that is thrown on purpose can be imported from @sluice/core', () => {
  const exported: readonly string[] = Object.keys(core);
  const hidden = errorClassesOf(sources).filter(({ name }) => !exported.includes(name));
  expectNone(hidden.map(({ name }) => name));
});

test('docs/dependencies.md names every dependency, and no other', () => {
  const manifests = workspaces().map(({ manifest }) => manifest);
  expectNone(dependencyProblems(page('docs/dependencies.md'), manifests));
});

test('every relative link leads to a file, and to a heading where it names one', () => {
  expectNone(linkProblems({ pages, exists: (path) => existsSync(join(root, path)) }));
});

test('every TypeScript example says what it is', () => {
  expectNone([...onPages, ...inDocstrings].flatMap(({ problems }) => problems));
});

test('every TypeScript example compiles', async () => {
  expectNone(await workbench.compile());
});

test('every TypeScript example runs and ends by itself', async () => {
  expectNone(await workbench.runAll());
});
