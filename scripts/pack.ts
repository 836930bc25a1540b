import { join } from 'node:path';
import { mustRun } from './run.ts';
import { publicPackages, root } from './workspace.ts';

/** A packed package. */
export interface Tarball {
  readonly name: string;
  /** Absolute path of the `.tgz`. */
  readonly path: string;
}

/** Packs every published package, as built, into `folder`. */
export async function packAll(folder: string): Promise<readonly Tarball[]> {
  const tarballs: Tarball[] = [];
  for (const workspace of publicPackages()) {
    const command = ['npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', folder];
    const { stdout } = await mustRun(command, { cwd: join(root, workspace.folder) });
    tarballs.push({ name: workspace.manifest.name, path: join(folder, packedFile(stdout)) });
  }
  return tarballs;
}

function packedFile(json: string): string {
  const packed = /"filename":\s*"([^"]+)"/.exec(json)?.[1];
  if (packed === undefined) throw new Error(`npm pack named no file: ${json}`);
  return packed;
}
