/** Which part may know which. Paths are relative to the repository, with forward slashes. */
export interface Architecture {
  readonly maxLinesPerFile: number;
  /** The files under `packages/<name>/src` that may read real time. */
  readonly clocks: readonly string[];
  /** The files under `packages/<name>/src` that may read real chance. */
  readonly dice: readonly string[];
  /** Uses of real time or chance elsewhere, each with the reason that makes it right. */
  readonly exceptions: readonly {
    readonly path: string;
    readonly what: string;
    readonly why: string;
  }[];
  /** Built-in modules of Node that belong to one folder. */
  readonly builtins: readonly { readonly module: string; readonly onlyUnder: string }[];
  /** Files that may be imported past the door of their room, each with the reason that makes it right. */
  readonly sideDoors: readonly { readonly path: string; readonly why: string }[];
  /** By folder. Every workspace has a row. */
  readonly packages: Readonly<Record<string, PackageRow>>;
}

export interface PackageRow {
  /** The doors of other workspaces that it may import, such as `@sluice/core`. */
  readonly imports: readonly string[];
  /**
   * The rooms of its `src`: folders, and files that lie there by themselves, without `.ts`; each
   * with the rooms that it may import. Without rooms, files import each other freely.
   */
  readonly rooms?: Readonly<Record<string, RoomRow>>;
}

export type RoomRow = readonly string[] | { readonly allBut: readonly string[] };

/** Whether a room with this row may import `room`. */
export function mayImport(row: RoomRow, room: string): boolean {
  return 'allBut' in row ? !row.allBut.includes(room) : row.includes(room);
}

/** A row in words. */
export function allowance(row: RoomRow): string {
  if ('allBut' in row) return `every room but ${row.allBut.join(', ') || 'itself'}`;
  return row.length === 0 ? 'no other room' : row.join(', ');
}
