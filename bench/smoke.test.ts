import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { measure, SMOKE_SIZES } from './src/bench.ts';
import { selectSubjects } from './src/catalogue.ts';

const subjects = await selectSubjects([]);

test.each(subjects)(
  '$name: every contender computes what the subject asks for',
  async (subject) => {
    const { rows } = await measure(subject, SMOKE_SIZES);
    expect(rows.map(({ name }) => name)).toEqual(subject.contenders.map(({ name }) => name));
    expect(rows.filter(({ figure }) => !(figure.min > 0))).toEqual([]);
  },
);

test.each(subjects)('$name: its limits name contenders, and no two share a name', (subject) => {
  const names = subject.contenders.map(({ name }) => name);
  const limits = subject.limits ?? [];
  const named = limits.flatMap((limit) =>
    limit.of === 'ratio' ? [limit.contender, limit.to].flat() : [limit.contender],
  );
  expect(names).toEqual([...new Set(names)]);
  expect(names).toEqual(expect.arrayContaining(named));
});

test('no two subjects share a name', () => {
  const names = subjects.map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
});

const run = (...args: string[]): Promise<{ stdout: string }> => {
  const main = fileURLToPath(new URL('./src/main.ts', import.meta.url));
  return promisify(execFile)(process.execPath, ['-C', 'sluice-source', main, ...args]);
};

test('--list names every subject', async () => {
  const { stdout } = await run('--list');
  for (const { name } of subjects) expect(stdout).toContain(name);
});

test('a smoke run prints one table per subject and says that its figures mean nothing', async () => {
  const { stdout } = await run('bucket', '--smoke');
  expect(stdout).toContain('figures mean nothing');
  expect(stdout.match(/^## .*$/gm)).toHaveLength(2);
});

test('a subject that does not exist is refused by name', async () => {
  await expect(run('buckets')).rejects.toThrow('there is no subject buckets');
});
