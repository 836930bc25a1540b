/** What is changed in a header: taken out, set, added, in this order. Names in any case. */
export interface HeaderEdits {
  readonly set: Readonly<Record<string, string>>;
  readonly add: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

/** Edits as the work of a request needs them. */
export interface CompiledEdits {
  /** What came or would be put in by these names, in lower case, is left out. */
  readonly out: ReadonlySet<string>;
  /** What is put in at the end, flat. */
  readonly in: readonly string[];
}

export function compileEdits({ set, add, remove }: HeaderEdits): CompiledEdits {
  return {
    out: new Set([...remove, ...Object.keys(set)].map((name) => name.toLowerCase())),
    in: [...Object.entries(set), ...Object.entries(add)].flat(),
  };
}
