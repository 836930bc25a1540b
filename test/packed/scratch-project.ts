import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { Tarball } from '../../scripts/pack.ts';
import type { RunResult } from '../../scripts/run.ts';
import { mustRun } from '../../scripts/run.ts';
import { publicPackages, root } from '../../scripts/workspace.ts';

/** A project of a user, outside the repository. */
export interface ScratchProject {
  readonly folder: string;
  /** Writes a file of the project. */
  write(path: string, text: string): void;
  /** Runs a command in the project; throws with its output when it fails. */
  run(...command: readonly string[]): Promise<RunResult>;
  remove(): void;
}

/** An empty project. Its folder has no symbolic link in its path, as `npm` would resolve it. */
export function scratchProject(): ScratchProject {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-scratch-'));
  return {
    folder,
    write: (path, text) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    },
    run: (...command) => mustRun(command, { cwd: folder, timeoutMs: 120_000 }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/**
 * Installs `tarballs` as a user does. What they depend on comes in the versions that the workspace
 * itself was tested with, and from npm's cache if it has them.
 */
export async function install(
  project: ScratchProject,
  tarballs: readonly Tarball[],
): Promise<void> {
  const dependencies = Object.fromEntries(
    tarballs.map(({ name, path }) => [name, `file:${relative(project.folder, path)}`]),
  );
  const manifest = { name: 'scratch', version: '1.0.0', type: 'module', dependencies };
  project.write('package.json', JSON.stringify(manifest));
  project.write('package-lock.json', JSON.stringify(lockFor(manifest)));
  await project.run('npm', 'install', '--prefer-offline', '--no-audit', '--no-fund');
}

type Packages = Record<string, { dev?: boolean; link?: boolean; [field: string]: unknown }>;

/** The workspace's own lock, as it reads in a project where our packages are installed. */
function lockFor(manifest: {
  name: string;
  version: string;
  dependencies: Readonly<Record<string, string>>;
}): object {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Packages;
  };
  const packages: Packages = { '': manifest };
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path.startsWith('node_modules/') && entry.link !== true) packages[path] = entry;
  }
  for (const { folder, manifest: ours } of publicPackages()) {
    const { name, version, bin, dependencies } = ours;
    packages[`node_modules/${name}`] = {
      version,
      resolved: manifest.dependencies[name],
      bin,
      dependencies,
    };
    for (const [path, entry] of Object.entries(lock.packages)) {
      const nested = `${folder}/node_modules/`;
      if (path.startsWith(nested))
        packages[`node_modules/${name}/node_modules/${path.slice(nested.length)}`] = entry;
    }
  }
  return {
    name: manifest.name,
    version: manifest.version,
    lockfileVersion: 3,
    requires: true,
    packages,
  };
}
