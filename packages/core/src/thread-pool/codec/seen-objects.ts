import * as native from './intrinsics.ts';

/** Up to here a look along a list is faster than a set. */
const FEW = 16;

/** The objects of one value, to find one that occurs twice. Holds none after {@link clear}. */
export class SeenObjects {
  readonly #few: (object | undefined)[] = Array.from({ length: FEW }, () => undefined);
  #count = 0;
  #many: Set<unknown> | undefined;

  /** Takes an object in; false if it was in already. */
  add(value: object): boolean {
    const count = this.#count;
    const few = this.#few;
    if (this.#many !== undefined) return this.#addToMany(this.#many, value);
    for (let i = 0; i < count; i++) if (few[i] === value) return false;
    if (count < FEW) {
      few[count] = value;
      this.#count = count + 1;
      return true;
    }
    const many = new native.NativeSet<unknown>();
    for (let i = 0; i < count; i++) native.setAdd(many, few[i]);
    this.#many = many;
    return this.#addToMany(many, value);
  }

  clear(): void {
    for (let i = 0; i < this.#count; i++) this.#few[i] = undefined;
    this.#count = 0;
    this.#many = undefined;
  }

  #addToMany(many: Set<unknown>, value: object): boolean {
    if (native.setHas(many, value)) return false;
    native.setAdd(many, value);
    return true;
  }
}
