import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, workspaces } from '../../scripts/workspace.ts';
import type { SourceFile } from './source-file.ts';
import { parseSource } from './source-file.ts';

/** Every TypeScript and JavaScript file that the repository itself wrote. */
export function repositoryFiles(): readonly SourceFile[] {
  const folders = workspaces().map(({ folder }) => folder);
  const patterns = folders.flatMap((folder) =>
    folder === '.' ? ['*.{ts,js}', '{scripts,test}/**/*.{ts,js}'] : [`${folder}/**/*.{ts,js}`],
  );
  const exclude = (name: string): boolean => /(^|\/)(node_modules|dist|results)$/.test(name);
  return globSync(patterns, { cwd: root, exclude })
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map((path) => parseSource(path, readFileSync(join(root, path), 'utf8')));
}
