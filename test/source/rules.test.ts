import { expect, test } from 'vitest';
import type { Manifest } from '../../scripts/workspace.ts';
import type { Architecture } from './architecture.ts';
import { violationsOf } from './rules.ts';
import { parseSource } from './source-file.ts';
import type { Violation } from './violation.ts';
import { described, RULES } from './violation.ts';

const architecture: Architecture = {
  maxLinesPerFile: 5,
  clocks: ['packages/low/src/ground/clock.ts'],
  dice: ['packages/low/src/ground/random.ts'],
  sideDoors: [{ path: 'packages/low/src/ground/side.ts', why: 'tests' }],
  exceptions: [{ path: 'packages/low/src/left/yields.ts', what: 'setImmediate', why: 'tests' }],
  builtins: [{ module: 'node:worker_threads', onlyUnder: 'packages/low/src/threads/' }],
  packages: {
    'packages/low': {
      imports: [],
      rooms: {
        ground: [],
        left: ['ground'],
        right: ['ground'],
        threads: ['ground'],
        testing: { allBut: ['index'] },
        index: { allBut: ['testing'] },
      },
    },
    'packages/high': { imports: ['@x/low'], rooms: { shop: [], index: ['shop'] } },
    examples: { imports: ['@x/low', 'high'] },
  },
};

const manifests = new Map<string, Manifest>([
  ['.', { name: 'workspace' }],
  [
    'packages/low',
    {
      name: '@x/low',
      exports: {
        '.': { 'sluice-source': './src/index.ts', default: './dist/index.js' },
        './testing': { 'sluice-source': './src/testing/index.ts' },
      },
    },
  ],
  [
    'packages/high',
    {
      name: 'high',
      dependencies: { '@x/low': '1.0.0', fastify: '5.0.0' },
      exports: { '.': { 'sluice-source': './src/index.ts' } },
    },
  ],
  ['examples', { name: 'examples' }],
]);

/** Judges a tree of one or more fake files. */
function judge(tree: Readonly<Record<string, string>>): readonly Violation[] {
  const files = Object.entries(tree).map(([path, text]) => parseSource(path, text));
  return violationsOf(files, architecture, manifests);
}

const low = (path: string): string => `packages/low/src/${path}`;

interface Case {
  readonly rule: Violation['rule'];
  readonly name: string;
  readonly path: string;
  readonly text: string;
}

const refused: readonly Case[] = [
  {
    rule: 'unlisted-room',
    name: 'a folder that nobody decided on',
    path: low('utils/text.ts'),
    text: '',
  },
  {
    rule: 'room',
    name: 'a policy that imports another policy',
    path: low('left/a.ts'),
    text: `import { b } from '../right/index.ts';`,
  },
  {
    rule: 'room',
    name: 'a policy that imports the type of another policy',
    path: low('left/a.ts'),
    text: `import type { B } from '../right/index.ts';`,
  },
  {
    rule: 'room',
    name: 'a policy that names the type of another policy in place',
    path: low('left/a.ts'),
    text: `export type B = import('../right/index.ts').B;`,
  },
  {
    rule: 'room',
    name: 'a policy that loads another policy later',
    path: low('left/a.ts'),
    text: `export const b = () => import('../right/index.ts');`,
  },
  {
    rule: 'room',
    name: 'a ground floor that hands on the floor above',
    path: low('ground/a.ts'),
    text: `export * from '../left/index.ts';`,
  },
  {
    rule: 'room',
    name: 'a policy that stands on the test kit',
    path: low('left/a.ts'),
    text: `import { ManualClock } from '../testing/index.ts';`,
  },
  {
    rule: 'room',
    name: 'a policy that goes through the main door of its package',
    path: low('left/a.ts'),
    text: `import { b } from '../index.ts';`,
  },
  {
    rule: 'door',
    name: 'an import from behind the door of an allowed room',
    path: low('left/a.ts'),
    text: `import { clock } from '../ground/clock.ts';`,
  },
  {
    rule: 'door',
    name: 'a test that reaches behind the door of another room',
    path: low('left/a.test.ts'),
    text: `import { b } from '../right/b.ts';`,
  },
  {
    rule: 'own-door',
    name: 'a file that imports the door of its own room',
    path: low('left/a.ts'),
    text: `import { c } from './index.ts';`,
  },
  {
    rule: 'public-door',
    name: 'a package that imports a higher one',
    path: low('left/a.ts'),
    text: `import { createService } from 'high';`,
  },
  {
    rule: 'public-door',
    name: 'a test that imports a higher package',
    path: low('left/a.test.ts'),
    text: `import { createService } from 'high';`,
  },
  {
    rule: 'public-door',
    name: 'a service that stands on the test kit',
    path: 'packages/high/src/shop/a.ts',
    text: `import { ManualClock } from '@x/low/testing';`,
  },
  {
    rule: 'public-door',
    name: 'an example that reaches into the files of a package',
    path: 'examples/a.ts',
    text: `import { b } from '../packages/low/src/index.ts';`,
  },
  {
    rule: 'public-door',
    name: 'a deep import of a package',
    path: 'examples/a.ts',
    text: `import { b } from '@x/low/src/index.ts';`,
  },
  {
    rule: 'dependency',
    name: 'a package without dependencies that imports one',
    path: low('left/a.ts'),
    text: `import { z } from 'zod';`,
  },
  {
    rule: 'dependency',
    name: 'a source file that imports a test tool',
    path: low('left/a.ts'),
    text: `import { test } from 'vitest';`,
  },
  {
    rule: 'builtin',
    name: 'threads outside the thread pool',
    path: low('left/a.ts'),
    text: `import { Worker } from 'node:worker_threads';`,
  },
  {
    rule: 'builtin',
    name: 'threads in another package, under the old name',
    path: 'packages/high/src/shop/a.ts',
    text: `import { Worker } from 'worker_threads';`,
  },
  {
    rule: 'size',
    name: 'a file with one line too many',
    path: low('left/a.ts'),
    text: '// 1\n// 2\n// 3\n// 4\n// 5\n// 6\n',
  },
  {
    rule: 'size',
    name: 'a test with one line too many',
    path: 'test/long.test.ts',
    text: '\n\n\n\n\n\n',
  },
  {
    rule: 'cycle',
    name: 'a file that imports itself',
    path: low('left/a.ts'),
    text: `import { b } from './a.ts';`,
  },
];

test.for(refused)('$rule refuses $name', ({ rule, path, text }) => {
  expect(judge({ [path]: text }).map((violation) => violation.rule)).toContain(rule);
});

const allowed: readonly Omit<Case, 'rule'>[] = [
  {
    name: 'an import by a side door of an allowed room',
    path: low('left/a.ts'),
    text: `import { side } from '../ground/side.ts';`,
  },
  {
    name: 'a policy may import the ground floor by its door',
    path: low('left/a.ts'),
    text: `import { clock } from '../ground/index.ts'; import { b } from './b.ts';`,
  },
  {
    name: 'a test may import another room, the test kit and the test tools',
    path: low('left/a.test.ts'),
    text: `import { test } from 'vitest'; import { b } from '../right/index.ts'; import { m } from '../testing/index.ts'; import './index.ts';`,
  },
  {
    name: 'a test may read real time and start threads',
    path: low('left/a.test.ts'),
    text: `import { Worker } from 'node:worker_threads'; export const now = Date.now();`,
  },
  {
    name: 'the main door may import every room',
    path: low('index.ts'),
    text: `export * from './left/index.ts'; export * from './right/index.ts';`,
  },
  {
    name: 'the thread pool may start threads',
    path: low('threads/a.ts'),
    text: `import { Worker } from 'node:worker_threads';`,
  },
  {
    name: 'a service may import the package below, its dependencies and built-ins',
    path: 'packages/high/src/shop/a.ts',
    text: `import '@x/low'; import fastify from 'fastify'; import { join } from 'node:path';`,
  },
  {
    name: 'a test of the service may import the test kit',
    path: 'packages/high/src/shop/a.test.ts',
    text: `import { ManualClock } from '@x/low/testing';`,
  },
  {
    name: 'an example may read real time',
    path: 'examples/a.ts',
    text: `export const now = Date.now();`,
  },
  {
    name: 'a file with an exception may do what it names',
    path: low('left/yields.ts'),
    text: `setImmediate(() => {});`,
  },
  {
    name: 'a test of the repository may look behind every door',
    path: 'test/a.test.ts',
    text: `import { b } from '../packages/low/src/left/b.ts';`,
  },
  {
    name: 'the clock may read time',
    path: low('ground/clock.ts'),
    text: `export const now = () => performance.now();`,
  },
  {
    name: 'the dice may be thrown',
    path: low('ground/random.ts'),
    text: `export const next = () => Math.random();`,
  },
  {
    name: 'a file may have exactly the greatest length',
    path: low('left/a.ts'),
    text: '// 1\n// 2\n// 3\n// 4\n// 5\n',
  },
];

test.for(allowed)('$name', ({ path, text }) => {
  expect(judge({ [path]: text }).map(described)).toEqual([]);
});

test('a clock may not throw dice, and dice may not read time', () => {
  const violations = judge({
    [low('ground/clock.ts')]: `export const next = () => Math.random();`,
    [low('ground/random.ts')]: `export const now = () => Date.now();`,
  });
  expect(violations.map(({ rule }) => rule)).toEqual(['chance', 'time']);
});

test('an exception is for one use, not for the file', () => {
  const violations = judge({ [low('left/yields.ts')]: `setTimeout(() => {}, 1);` });
  expect(violations.map(({ rule }) => rule)).toEqual(['time']);
});

test('a workspace without a row is refused', () => {
  const more = new Map([...manifests, ['packages/new', { name: 'new' }]]);
  const violations = violationsOf([], architecture, more);
  expect(violations.map(({ rule, path }) => [rule, path])).toEqual([
    ['unlisted-workspace', 'packages/new/package.json'],
  ]);
});

test('a cycle is shown as its shortest way round, across packages and through types', () => {
  const violations = judge({
    [low('index.ts')]: `\nexport * from './left/index.ts';`,
    [low('left/index.ts')]: `export type * from '../../../high/src/index.ts';`,
    'packages/high/src/index.ts': `export type { A } from '@x/low';`,
  }).filter(({ rule }) => rule === 'cycle');
  expect(violations.map(described)).toEqual([
    'packages/high/src/index.ts:1 [cycle] imports itself in the end: packages/high/src/index.ts' +
      ' -> packages/low/src/index.ts -> packages/low/src/left/index.ts -> packages/high/src/index.ts.' +
      ' Move what both need, types included, to a file that imports neither.',
  ]);
});

test('two cycles that do not touch are two violations', () => {
  const violations = judge({
    [low('left/a.ts')]: `import './b.ts';`,
    [low('left/b.ts')]: `import './a.ts';`,
    [low('right/a.ts')]: `import './b.ts'; import './c.ts';`,
    [low('right/b.ts')]: `import './c.ts';`,
    [low('right/c.ts')]: `import './a.ts';`,
  });
  expect(violations.map(({ rule, path }) => [rule, path])).toEqual([
    ['cycle', low('left/a.ts')],
    ['cycle', low('right/a.ts')],
  ]);
});

test('a violation names the file, the line, the import, the rule and the remedy', () => {
  const text = `import { clock } from '../ground/index.ts';\n\nimport { b } from '../right/index.ts';\n`;
  expect(judge({ [low('left/a.ts')]: text }).map(described)).toEqual([
    `packages/low/src/left/a.ts:3 [room] imports '../right/index.ts', but left may import ground.` +
      ' Hand it in from the file that wires both, or move the shared part to a room that both may import.',
  ]);
});

test('every rule but the readings of time and chance was seen to fail here', () => {
  const elsewhere = ['unlisted-workspace', 'time', 'chance'];
  const seen = new Set([...refused.map(({ rule }) => rule), ...elsewhere]);
  expect([...seen].sort()).toEqual(Object.keys(RULES).sort());
});
