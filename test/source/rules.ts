import type { Manifest } from '../../scripts/workspace.ts';
import type { Architecture } from './architecture.ts';
import { cyclesOf } from './cycles.ts';
import { importViolations } from './import-rules.ts';
import { countLines } from './lines.ts';
import { isRelative, placeOf, resolveRelative } from './place.ts';
import type { SourceFile } from './source-file.ts';
import { readingsOf } from './time-and-chance.ts';
import type { House, Violation } from './violation.ts';

/** Everything in `files` that departs from `architecture`. */
export function violationsOf(
  files: readonly SourceFile[],
  architecture: Architecture,
  manifests: ReadonlyMap<string, Manifest>,
): readonly Violation[] {
  const folders = [...manifests.keys()].filter((folder) => folder !== '.');
  const house: House = {
    architecture,
    files,
    manifests,
    placeOf: (path) => placeOf(path, folders),
  };
  return [
    ...folders.flatMap((folder) => workspaceViolations(folder, architecture)),
    ...files.flatMap((file) => [
      ...sizeViolations(file, architecture),
      ...roomViolations(file, house),
      ...importViolations(file, house),
      ...readingViolations(file, house),
    ]),
    ...cycleViolations(house),
  ];
}

function workspaceViolations(folder: string, { packages }: Architecture): readonly Violation[] {
  if (packages[folder] !== undefined) return [];
  return [
    {
      rule: 'unlisted-workspace',
      path: `${folder}/package.json`,
      line: 1,
      problem: 'belongs to a package that the table does not know',
      remedy: 'Add its row to test/architecture.ts',
    },
  ];
}

function sizeViolations(file: SourceFile, { maxLinesPerFile }: Architecture): readonly Violation[] {
  const lines = countLines(file.text);
  if (lines <= maxLinesPerFile) return [];
  return [
    {
      rule: 'size',
      path: file.path,
      line: maxLinesPerFile + 1,
      problem: `has ${lines} lines, and a file has at most ${maxLinesPerFile}`,
      remedy: 'Find the second idea in it and give that a file of its own',
    },
  ];
}

function roomViolations(file: SourceFile, house: House): readonly Violation[] {
  const { workspace, room, isTest } = house.placeOf(file.path);
  const rooms = house.architecture.packages[workspace]?.rooms;
  if (rooms === undefined || room === undefined || isTest || rooms[room] !== undefined) return [];
  return [
    {
      rule: 'unlisted-room',
      path: file.path,
      line: 1,
      problem: `stands in ${room}, a room of ${workspace} that the table does not know`,
      remedy: 'Add its row to test/architecture.ts, or move the file to the room it belongs to',
    },
  ];
}

function readingViolations(file: SourceFile, house: House): readonly Violation[] {
  const { workspace, room, isTest } = house.placeOf(file.path);
  if (isTest || room === undefined || !workspace.startsWith('packages/')) return [];
  const { clocks, dice, exceptions } = house.architecture;
  const allowed = { time: clocks.includes(file.path), chance: dice.includes(file.path) };
  return readingsOf(file)
    .filter(({ kind }) => !allowed[kind])
    .filter(({ what }) => !exceptions.some((row) => row.path === file.path && row.what === what))
    .map(({ kind, what, line }) => ({
      rule: kind,
      path: file.path,
      line,
      problem: `uses ${what}, and only ${(kind === 'time' ? clocks : dice).join(', ')} may read real ${kind}`,
      remedy:
        kind === 'time'
          ? 'Take a Clock as an option and ask it (nowMs, wallTimeMs, schedule)'
          : 'Take a Random as an option and ask it',
    }));
}

function cycleViolations({ files, manifests }: House): readonly Violation[] {
  const doors = sourceDoors(manifests);
  const graph = new Map(
    files.map((file) => [
      file.path,
      file.imports.map(({ specifier }) => targetOf(file.path, specifier, doors)),
    ]),
  );
  return cyclesOf(graph).map((cycle) => {
    const [path = '', next] = cycle;
    const file = files.find((candidate) => candidate.path === path);
    const use = file?.imports.find(({ specifier }) => targetOf(path, specifier, doors) === next);
    return {
      rule: 'cycle',
      path,
      line: use?.line ?? 1,
      problem: `imports itself in the end: ${cycle.join(' -> ')}`,
      remedy: 'Move what both need, types included, to a file that imports neither',
    };
  });
}

function targetOf(from: string, specifier: string, doors: ReadonlyMap<string, string>): string {
  return isRelative(specifier)
    ? resolveRelative(from, specifier)
    : (doors.get(specifier) ?? specifier);
}

/** `@sluice/core/testing` → `packages/core/src/testing/index.ts`, from every "exports". */
function sourceDoors(manifests: ReadonlyMap<string, Manifest>): ReadonlyMap<string, string> {
  const doors = new Map<string, string>();
  for (const [folder, { name, exports = {} }] of manifests) {
    for (const [door, target] of Object.entries(exports)) {
      const source = typeof target === 'string' ? undefined : target['sluice-source'];
      if (source !== undefined)
        doors.set(name + door.slice(1), resolveRelative(`${folder}/x`, source));
    }
  }
  return doors;
}
