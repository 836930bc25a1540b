/**
 * What is to be done with a header of some name, whatever its case. Names are mostly those of no entry,
 * or written as browsers and libraries do; then there is no change of case. O(1).
 */
export class FieldTable<F extends string> {
  readonly #fields = new Map<string, F>();
  readonly #lengths: boolean[] = [];

  /** Of two entries of one name the later one holds. Names in lower case. */
  constructor(entries: Iterable<readonly [string, F]>) {
    for (const [name, field] of entries) {
      this.#fields.set(name, field);
      this.#fields.set(capitalized(name), field);
      this.#lengths[name.length] = true;
    }
  }

  get(name: string): F | undefined {
    if (this.#lengths[name.length] !== true) return undefined;
    return this.#fields.get(name) ?? this.#fields.get(name.toLowerCase());
  }
}

/** `Content-Length` */
function capitalized(name: string): string {
  return name.replaceAll(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}
