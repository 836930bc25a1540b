import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'oxc-parser';
import { publicPackages, root } from '../../scripts/workspace.ts';
import type { Door } from './examples.ts';

/** The doors of the published packages, as their sources list them by name. */
export function publicDoors(): readonly Door[] {
  return publicPackages().flatMap(({ folder, manifest }) =>
    Object.entries(manifest.exports ?? {}).flatMap(([door, target]) => {
      const source = typeof target === 'string' ? undefined : target['sluice-source'];
      if (source === undefined) return [];
      const path = join(root, folder, source);
      return [{ specifier: manifest.name + door.slice(1), names: exportsOf(path) }];
    }),
  );
}

function exportsOf(path: string): Door['names'] {
  const { module } = parseSync(path, readFileSync(path, 'utf8'));
  return module.staticExports
    .flatMap(({ entries }) => entries)
    .flatMap(({ exportName: { name }, isType }) => (name === null ? [] : [{ name, isType }]));
}
