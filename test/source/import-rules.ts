import { isBuiltin } from 'node:module';
import type { RoomRow } from './architecture.ts';
import { allowance, mayImport } from './architecture.ts';
import type { ImportUse } from './imports.ts';
import { isRelative, resolveRelative } from './place.ts';
import type { SourceFile } from './source-file.ts';
import type { House, Rule, Violation } from './violation.ts';

/** What the table says about every import of `file`. */
export function importViolations(file: SourceFile, house: House): readonly Violation[] {
  return file.imports.flatMap((use) => {
    const found = isRelative(use.specifier)
      ? relativeViolation(file, use, house)
      : bareViolation(file, use, house);
    return found === undefined ? [] : [{ ...found, path: file.path, line: use.line }];
  });
}

type Finding = Pick<Violation, 'rule' | 'problem' | 'remedy'> | undefined;

function finding(rule: Rule, problem: string, remedy: string): Finding {
  return { rule, problem, remedy };
}

function relativeViolation(file: SourceFile, { specifier }: ImportUse, house: House): Finding {
  const target = resolveRelative(file.path, specifier);
  const from = house.placeOf(file.path);
  const to = house.placeOf(target);
  if (from.workspace === '.') return undefined; // The repository's own tests look everywhere.
  if (from.workspace !== to.workspace) {
    const name = house.manifests.get(to.workspace)?.name ?? to.workspace;
    return finding(
      'public-door',
      `imports '${specifier}', a file of another package`,
      `Import from '${name}', and export there what is missing`,
    );
  }
  const rows = house.architecture.packages[from.workspace]?.rooms;
  if (rows === undefined || from.room === undefined || to.room === undefined) return undefined;
  if (from.room === to.room) return ownDoorFinding(file, specifier, house);
  const row = rows[from.room];
  if (row !== undefined && !from.isTest && !mayImport(row, to.room)) {
    return roomFinding(specifier, { from: from.room, to: to.room, row });
  }
  const isSideDoor = house.architecture.sideDoors.some(({ path }) => path === target);
  if (to.isDoor || isSideDoor) return undefined;
  return finding(
    'door',
    `imports '${specifier}', which lies behind the door of ${to.room}`,
    `Import from its index.ts, and export there what is missing`,
  );
}

function ownDoorFinding(file: SourceFile, specifier: string, house: House): Finding {
  const target = resolveRelative(file.path, specifier);
  const { isDoor, isTest, room } = house.placeOf(target);
  if (!isDoor || isTest || house.placeOf(file.path).isTest) return undefined;
  return finding(
    'own-door',
    `imports '${specifier}', the door of its own room ${room ?? ''}`,
    `Import the file that declares it`,
  );
}

function roomFinding(
  specifier: string,
  rooms: { from: string; to: string; row: RoomRow },
): Finding {
  return finding(
    'room',
    `imports '${specifier}', but ${rooms.from} may import ${allowance(rooms.row)}`,
    `Hand it in from the file that wires both, or move the shared part to a room that both may import`,
  );
}

function bareViolation(file: SourceFile, { specifier }: ImportUse, house: House): Finding {
  if (isBuiltin(specifier)) return builtinFinding(file, specifier, house);
  const name = packageName(specifier);
  const isOurs = [...house.manifests.values()].some((manifest) => manifest.name === name);
  return isOurs ? doorFinding(file, specifier, house) : dependencyFinding(file, specifier, house);
}

function builtinFinding(file: SourceFile, specifier: string, house: House): Finding {
  const row = house.architecture.builtins.find(
    ({ module }) => module.replace('node:', '') === specifier.replace('node:', ''),
  );
  if (row === undefined || file.path.startsWith(row.onlyUnder)) return undefined;
  const { isTest, workspace } = house.placeOf(file.path);
  if (isTest || !workspace.startsWith('packages/')) return undefined;
  return finding(
    'builtin',
    `imports '${specifier}', which belongs to ${row.onlyUnder} alone`,
    `Use what that folder's door offers`,
  );
}

function doorFinding(file: SourceFile, specifier: string, house: House): Finding {
  const { workspace, isTest } = house.placeOf(file.path);
  const row = house.architecture.packages[workspace];
  if (row === undefined || row.imports.includes(specifier)) return undefined;
  if (isTest && row.imports.includes(specifier.replace(/\/testing$/, ''))) return undefined;
  const allowed = row.imports.map((door) => `'${door}'`).join(', ') || 'no other package';
  return finding(
    'public-door',
    `imports '${specifier}', but ${workspace} may import ${allowed} of this workspace`,
    `Lower never imports higher: hand it in from above, or move it down`,
  );
}

const TEST_TOOLS = ['vitest', 'fast-check', 'selfsigned', 'ws'];

function dependencyFinding(file: SourceFile, specifier: string, house: House): Finding {
  const { workspace, isTest } = house.placeOf(file.path);
  if (workspace === '.') return undefined;
  const manifest = house.manifests.get(workspace);
  const name = packageName(specifier);
  const declared = { ...manifest?.dependencies, ...manifest?.peerDependencies };
  if (name in declared || (isTest && TEST_TOOLS.includes(name))) return undefined;
  return finding(
    'dependency',
    `imports '${specifier}', which ${workspace}/package.json does not list under "dependencies"`,
    `Do without it, or list it there and in docs/dependencies.md with the reason`,
  );
}

function packageName(specifier: string): string {
  const [scope = '', name] = specifier.split('/');
  return scope.startsWith('@') && name !== undefined ? `${scope}/${name}` : scope;
}
