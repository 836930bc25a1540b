import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packAll } from '../scripts/pack.ts';
import { mustRun } from '../scripts/run.ts';
import { publicPackages, root } from '../scripts/workspace.ts';
import { install, scratchProject } from './packed/scratch-project.ts';

const project = scratchProject();
const published = publicPackages().map(({ manifest }) => manifest);
afterAll(() => project.remove());

beforeAll(async () => {
  await mustRun(['node', 'scripts/build.ts']);
  await install(project, await packAll(project.folder));
  project.write(
    'consumer.ts',
    readFileSync(join(import.meta.dirname, 'packed/consumer.ts'), 'utf8'),
  );
}, 300_000);

/** Every door that a package opens to code, such as `@sluice/core/testing`. */
const doors = published.flatMap(({ name, exports = {} }) =>
  Object.entries(exports)
    .filter(([, target]) => typeof target !== 'string')
    .map(([door]) => name + door.slice(1)),
);

test.for(doors)('plain Node imports %s as published', async (door) => {
  project.write('import.js', `console.log(Object.keys(await import('${door}')).length > 0);`);
  const { stdout } = await project.run('node', 'import.js');
  expect(stdout).toBe('true\n');
});

test('the published program tells its version', async () => {
  const version = published.find(({ name }) => name === 'sluice')?.version;
  const { stdout } = await project.run(
    join(project.folder, 'node_modules/.bin/sluice'),
    '--version',
  );
  expect(stdout.trim()).toBe(version);
});

test('a program of a user runs on the published packages', async () => {
  const { stdout } = await project.run('node', 'consumer.ts');
  expect(stdout).toBe('42 SLUICE_RATE_LIMITED function [ 49, 49 ]\n');
});

test('a program of a user compiles against the published types, strictly', async () => {
  const compilerOptions = {
    target: 'es2024',
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  };
  project.write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
  const { output } = await project.run('tsc');
  expect(output).toBe('');
});

test.for(published.map(({ name }) => name))('%s is published without its tests', (name) => {
  const files = globSync('**/*', { cwd: join(project.folder, 'node_modules', name) });
  expect(files.filter((path) => /\.test\.|\.tsbuildinfo$/.test(path))).toEqual([]);
});

test.for(published.map(({ name }) => name))('%s brings its README and its licence', (name) => {
  const files = globSync('*', { cwd: join(project.folder, 'node_modules', name) });
  expect(files).toEqual(expect.arrayContaining(['README.md', 'LICENSE']));
});
