import { globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** What the repository's tools read from a `package.json`. */
export interface Manifest {
  readonly name: string;
  readonly version?: string;
  readonly private?: boolean;
  readonly workspaces?: readonly string[];
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** One package of the workspace, or the workspace itself. */
export interface Workspace {
  /** Relative to the root, with forward slashes, such as `packages/core`; `.` is the root. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Absolute path of the repository. */
export const root: string = resolve(import.meta.dirname, '..');

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
}

/** The root and every package of the workspace, by folder. */
export function workspaces(): readonly Workspace[] {
  const patterns = (readManifest('.').workspaces ?? []).map((pattern) => `${pattern}/package.json`);
  const folders = globSync(patterns, { cwd: root }).map((path) =>
    dirname(path).replaceAll('\\', '/'),
  );
  return ['.', ...folders.sort()].map((folder) => ({ folder, manifest: readManifest(folder) }));
}

/** The packages that are published. */
export function publicPackages(): readonly Workspace[] {
  return workspaces().filter(({ manifest }) => manifest.private !== true);
}
