import { cpSync, globSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.ts';
import { publicPackages, root } from './workspace.ts';

/** Compiles every published package into its `dist`, from nothing. Resolves with the exit code. */
export async function build(): Promise<number> {
  const folders = publicPackages().map(({ folder }) => folder);
  for (const folder of folders)
    rmSync(join(root, folder, 'dist'), { recursive: true, force: true });
  const { code, output } = await run(['tsc', '--build', ...folders]);
  process.stdout.write(output);
  for (const folder of folders) copyAssets(join(root, folder));
  return code;
}

/** The compiler copies nothing but code: pages, styles and schemas go along here. */
function copyAssets(folder: string): void {
  const assets = globSync('**/*.{html,css,svg,json,yaml}', { cwd: join(folder, 'src') });
  for (const asset of assets) cpSync(join(folder, 'src', asset), join(folder, 'dist', asset));
}

if (import.meta.main) process.exitCode = await build();
