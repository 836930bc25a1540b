import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../scripts/workspace.ts';

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>
  >;
}

const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;

/** Where Node looks for a package that `path` asks for: beside it, and in every folder above. */
function candidates(path: string, name: string): readonly string[] {
  const above = path.split('/node_modules/').map((_, end, parts) => parts.slice(0, end + 1));
  const folders = ['', ...above.map((parts) => `${parts.join('/node_modules/')}/`)];
  return folders.map((folder) => `${folder}node_modules/${name}`);
}

test('package-lock.json names the packages of every platform, so that npm ci installs on each', () => {
  const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !candidates(path, name).some((place) => place in lock.packages))
      .map((name) => `${name}, an optional dependency of ${path}`),
  );
  expect(missing.join('\n')).toBe('');
});
