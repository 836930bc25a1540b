import { posix } from 'node:path';

/** Where a file stands in the house. */
export interface Place {
  /** Folder of its workspace, such as `packages/core`; `.` is the root. */
  readonly workspace: string;
  /** Its room under `src`, if it stands there: the folder, or the file's own name without `.ts`. */
  readonly room: string | undefined;
  /** The room's door: `index.ts` of its folder, or the file that is a room by itself. */
  readonly isDoor: boolean;
  /** Tests, and what only tests use, may do more. */
  readonly isTest: boolean;
}

const TEST_FILE = /(\.test\.ts$)|(^packages\/[^/]+\/test\/)/;

/** `workspaces` are the folders of the workspaces. */
export function placeOf(path: string, workspaces: readonly string[]): Place {
  const workspace = workspaces.find((folder) => path.startsWith(`${folder}/`)) ?? '.';
  const inside = path.startsWith(`${workspace}/src/`)
    ? path.slice(workspace.length + '/src/'.length).split('/')
    : [];
  const [first = '', second] = inside;
  const isFolder = second !== undefined;
  return {
    workspace,
    room: inside.length === 0 ? undefined : isFolder ? first : first.replace(/(\.test)?\.ts$/, ''),
    isDoor: isFolder ? inside.length === 2 && second === 'index.ts' : inside.length === 1,
    isTest: TEST_FILE.test(path),
  };
}

/** The path that a relative `specifier` in `from` leads to. */
export function resolveRelative(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier);
}

export function isRelative(specifier: string): boolean {
  return specifier.startsWith('./') || specifier.startsWith('../');
}
