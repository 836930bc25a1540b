import type { Manifest } from '../../scripts/workspace.ts';
import { codeOf, tablesOf } from './markdown.ts';

/**
 * Where `docs/dependencies.md` and the manifests say different things. The page names a package as
 * code in the first cell of a row; every row says why in its last cell. The workspace's own packages
 * may stand there and need not.
 */
export function dependencyProblems(
  page: string,
  manifests: readonly Manifest[],
): readonly string[] {
  const rows = tablesOf(page).flatMap((table) => table.rows);
  const named = rows.map(({ cells }) => codeOf(cells[0]) ?? '');
  const used = usersByDependency(manifests);
  const ours = new Set(manifests.map(({ name }) => name));
  return [
    ...[...used]
      .filter(([name]) => !named.includes(name))
      .map(([name, users]) => `${name}, a dependency of ${users.join(' and ')}, is not listed`),
    ...rows.flatMap(({ cells, line }) => {
      const name = codeOf(cells[0]);
      if (name === undefined) return [`line ${line}: the first cell names no package as \`code\``];
      if (!used.has(name) && !ours.has(name)) return [`line ${line}: nothing depends on ${name}`];
      return (cells.at(-1) ?? '') === '' ? [`line ${line}: ${name} has no reason`] : [];
    }),
  ];
}

function usersByDependency(manifests: readonly Manifest[]): ReadonlyMap<string, readonly string[]> {
  const ours = new Set(manifests.map(({ name }) => name));
  const used = new Map<string, string[]>();
  for (const manifest of manifests) {
    const names = Object.keys({
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.optionalDependencies,
      ...manifest.peerDependencies,
    });
    for (const name of names.filter((each) => !ours.has(each))) {
      used.set(name, [...(used.get(name) ?? []), manifest.name]);
    }
  }
  return used;
}
