import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';

import { builtInText } from './built-in.ts';
import { loadConfigFile, parseConfig, type LoadResult } from './load.ts';
import { formatProblem } from './problems.ts';
import { MAX_CONFIG_BYTES } from './read-text.ts';

const env = { PORT: '9000' };

function problemsOf(result: LoadResult): readonly string[] {
  return result.ok ? [] : result.problems.map(formatProblem);
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-load-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test('a configuration of more than a megabyte is refused unread', () => {
  const text = `log: {} # ${'é'.repeat(MAX_CONFIG_BYTES / 2)}`;
  expect(problemsOf(parseConfig(text, { file: 'c.yaml' }))).toEqual([
    'c.yaml:1:1  expected at most 1048576 bytes, got more',
  ]);
});

test('a file is read, completed, and its handlers are looked for beside it', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'sub'));
  const file = join(folder, 'sub', 'sluice.yaml');
  await writeFile(join(folder, 'orders.ts'), 'export const create = () => 0;');
  await writeFile(
    file,
    'server: { port: ${PORT:-80} }\nroutes:\n  - { path: /a, handler: ../orders.ts#create }\n',
  );
  expect(await loadConfigFile(file, env)).toMatchObject({
    ok: true,
    config: { server: { port: 9000 }, routes: [{ handler: '../orders.ts#create' }] },
    source: { file, folder: join(folder, 'sub') },
  });

  await writeFile(
    file,
    'routes:\n  - { path: /a, handler: ./orders.ts }\n  - { path: /b, handler: ../sub }\n',
  );
  expect(problemsOf(await loadConfigFile(file, env))).toEqual([
    `${file}:2:26  routes[0].handler: expected a module that exists, got "./orders.ts"; it is looked for beside the configuration`,
    `${file}:3:26  routes[1].handler: expected a module that exists, got "../sub"; it is looked for beside the configuration`,
  ]);
});

test('the files that the TLS of an upstream needs are looked for beside it', async () => {
  const folder = await temporaryFolder();
  const file = join(folder, 'sluice.yaml');
  await writeFile(join(folder, 'ca.pem'), '');
  await writeFile(
    file,
    'upstreams:\n  u:\n    targets: ["https://a.example"]\n    tls: { ca: ca.pem, cert: ./c.pem, key: .. }\n',
  );
  expect(problemsOf(await loadConfigFile(file, env))).toEqual([
    `${file}:4:30  upstreams.u.tls.cert: expected a file that exists, got "./c.pem"; it is looked for beside the configuration`,
    `${file}:4:44  upstreams.u.tls.key: expected a file that exists, got ".."; it is looked for beside the configuration`,
  ]);
});

test('a file that cannot be had is a problem, not an exception', async () => {
  const folder = await temporaryFolder();
  expect(problemsOf(await loadConfigFile(folder))).toEqual([
    `${folder}  expected a file to read, got a directory`,
  ]);
  const missing = join(folder, 'sluice.yaml');
  expect(problemsOf(await loadConfigFile(missing))).toEqual([
    `${missing}  expected a file to read, got no such file`,
  ]);
  await writeFile(missing, Buffer.from('log:\n  level: caf\xe9', 'latin1'));
  expect(problemsOf(await loadConfigFile(missing))).toEqual([
    `${missing}:2:13  expected UTF-8 text, got other bytes; save it as UTF-8`,
  ]);
});

const words =
  'server routes port path limiters a rate_limit << __proto__ 8080 1e9 null /x ! !!str % --- ...';
const marks = `:|- |, |{|}|[|]|"|'|>|#|&a |*a|? |\${|\${A}|\${A:-|$\${|\\|@|\0|\ufeff|\ud800|😀|\n|\n  |\n    |\t`;
const piece = fc.constantFrom(...words.split(' '), ...marks.split('|'), '|', ': ');

test('any text is taken or refused, with problems that have places', () => {
  const text = fc.oneof(
    fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
    fc.string({ unit: 'binary', maxLength: 60 }),
  );
  fc.assert(
    fc.property(text, fc.constantFrom('c.yaml', 'c.json'), (given, file) => {
      expectSound(parseConfig(given, { file, env: { A: 'x: [1' } }), given);
    }),
    { numRuns: 500 },
  );
});

test('a right configuration with any stretch of it exchanged is taken or refused', () => {
  const change = fc.record({
    at: fc.nat(builtInText.length),
    lose: fc.nat(30),
    add: fc.array(piece, { maxLength: 4 }),
  });
  fc.assert(
    fc.property(change, ({ at, lose, add }) => {
      const given = builtInText.slice(0, at) + add.join('') + builtInText.slice(at + lose);
      expectSound(parseConfig(given, { file: 'c.yaml' }), given);
    }),
    { numRuns: 200 },
  );
});

test('neither many mistakes nor deep ones make it hang', () => {
  const size = 30_000;
  for (const text of [
    '['.repeat(size),
    `[${','.repeat(size)}]`,
    '? '.repeat(size),
    `a: ${'${'.repeat(size)}`,
    `routes:\n${'  - { path: /a, limiter: lmiter }\n'.repeat(size / 33)}limiters:\n${manyNames(2000)}`,
  ]) {
    expectSound(parseConfig(text, { file: 'c.yaml' }), text);
  }
});

function manyNames(count: number): string {
  return Array.from({ length: count }, (_, i) => `  limiter${i}: { ratePerSecond: 1 }\n`).join('');
}

function expectSound(result: LoadResult, text: string): void {
  if (result.ok) return;
  const lines = text.split('\n').length;
  expect(result.problems.length).toBeGreaterThan(0);
  for (const { line = 0, column = 0, found } of result.problems) {
    expect(line >= 1 && line <= lines && column >= 1).toBe(true);
    expect(found.length).toBeLessThanOrEqual(60);
  }
}
