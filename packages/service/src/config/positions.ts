import { parentPath, type ConfigPath } from './paths.ts';

/** A place in a text as editors count it: the first character is line 1, column 1; UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

const START: Position = { line: 1, column: 1 };

/** Finds lines and columns by offset. O(text) once, then O(log lines). */
export class LineIndex {
  readonly #starts: number[] = [0];

  constructor(text: string) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
      this.#starts.push(at + 1);
    }
  }

  at(offset: number): Position {
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - (this.#starts[low] ?? 0) + 1 };
  }
}

/** Which path of a configuration was written where. What is said first of a path stays. */
export class SourceMap {
  readonly #values = new Map<ConfigPath, Position>();
  readonly #keys = new Map<ConfigPath, Position>();
  readonly #written = new Map<ConfigPath, string>();

  setValue(path: ConfigPath, position: Position): void {
    if (!this.#values.has(path)) this.#values.set(path, position);
  }

  setKey(path: ConfigPath, position: Position): void {
    if (!this.#keys.has(path)) this.#keys.set(path, position);
  }

  /** Keeps the text as it was written, for a value in which `${…}` was replaced. */
  setWritten(path: ConfigPath, text: string): void {
    if (!this.#written.has(path)) this.#written.set(path, text);
  }

  /** The text as it was written; undefined unless something in it was replaced. */
  written(path: ConfigPath): string | undefined {
    return this.#written.get(path);
  }

  /**
   * The place of the value, or of its key; of a value that is not there, that of its key or of the
   * nearest mapping or list around it; at last the first character.
   */
  find(path: ConfigPath, part: 'key' | 'value' = 'value'): Position {
    const [first, second] =
      part === 'key' ? [this.#keys, this.#values] : [this.#values, this.#keys];
    const position = first.get(path) ?? second.get(path);
    if (position) return position;
    const parent = parentPath(path);
    return parent === undefined ? START : this.find(parent);
  }
}
