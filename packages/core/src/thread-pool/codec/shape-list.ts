import * as native from './intrinsics.ts';
import type { Memory } from './memory.ts';
import { type Fields, creatorFor } from './roomy-objects.ts';
import { readShape } from './shape-table.ts';

/** What a reader knows of a shape. */
export interface Shape {
  readonly keys: readonly string[];
  /** Whether assignment to one of the keys would not, or not surely, make a property. */
  readonly hazardous: boolean;
  /** A plain object with room for the keys. */
  readonly create: () => Fields;
  /** An object of the shape: while there is one V8 keeps what it knows of such objects. */
  readonly sample: Fields;
}

/** The shapes that a reader has met. Each is read from the table when it is met first. */
export class ShapeList {
  readonly #table: Memory | undefined;
  readonly #shapes: Shape[] = [];

  constructor(table: Memory | undefined) {
    this.#table = table;
  }

  at(id: number): Shape {
    const shapes = this.#shapes;
    while (shapes.length <= id)
      native.pushTo(shapes, shapeOf(readShape(this.#table!, shapes.length)));
    return shapes[id]!;
  }
}

function shapeOf(keys: readonly string[]): Shape {
  const create = creatorFor(keys.length);
  const sample = create();
  let hazardous = false;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    hazardous ||= key in native.objectPrototype;
    setField(sample, key, undefined);
  }
  return { keys, hazardous, create, sample };
}

/** Makes the property whatever the key: `__proto__`, or a name that `Object.prototype` guards. */
export function setField(fields: Fields, key: string, value: unknown): void {
  if (!(key in native.objectPrototype)) fields[key] = value;
  else {
    native.defineProperty(fields, key, {
      __proto__: null,
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    } as PropertyDescriptor);
  }
}
