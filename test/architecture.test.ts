import { expect, test } from 'vitest';
import { workspaces } from '../scripts/workspace.ts';
import { architecture } from './architecture.ts';
import { violationsOf } from './source/rules.ts';
import { repositoryFiles } from './source/tree.ts';
import { described, RULES } from './source/violation.ts';

const manifests = new Map(workspaces().map(({ folder, manifest }) => [folder, manifest]));
const files = repositoryFiles();
const violations = violationsOf(files, architecture, manifests);

test.for(Object.entries(RULES))('%s: %s', ([rule]) => {
  const broken = violations.filter((violation) => violation.rule === rule);
  expect(broken.map(described).join('\n')).toBe('');
});

test('every row of the table is about something that exists', () => {
  const { packages, clocks, dice, exceptions } = architecture;
  const paths = [...clocks, ...dice, ...exceptions.map(({ path }) => path)];
  const rooms = Object.entries(packages).flatMap(([folder, { rooms: rows = {} }]) =>
    Object.keys(rows).map((room) => `${folder}/src/${room}`),
  );
  const isThere = (start: string): boolean =>
    files.some(({ path }) => [start, `${start}.ts`].includes(path) || path.startsWith(`${start}/`));
  expect([...paths, ...rooms].filter((start) => !isThere(start))).toEqual([]);
});

test('the architecture test reads the sources of every package', () => {
  for (const folder of Object.keys(architecture.packages)) {
    const read = files.filter(({ path }) => path.startsWith(`${folder}/`));
    expect(read.length, `files of ${folder}`).toBeGreaterThan(0);
  }
});
