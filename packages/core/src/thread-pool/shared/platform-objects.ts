import { types } from 'node:util';

let language: ReadonlySet<unknown> | undefined;

/**
 * The prototypes of what the language itself has and can clone, as clones have them: where the globals were
 * replaced, by a test runner for one, those are others. Made when first needed.
 */
function languagePrototypes(): ReadonlySet<unknown> {
  const samples: readonly object[] = [
    {},
    [],
    new Map(),
    new Set(),
    new Date(0),
    /a/u,
    ...[true, 0, '', 0n].map((value): object => Object(value) as object),
    ...[Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map(
      (Kind) => new Kind(),
    ),
    new ArrayBuffer(0),
    new SharedArrayBuffer(0),
    new DataView(new ArrayBuffer(0)),
    // Of the platform, but an error that gets there as one.
    new DOMException(),
  ];
  return new Set(samples.map((one): unknown => Object.getPrototypeOf(structuredClone(one))));
}

/**
 * An object of the platform in a structured clone, such as a Blob or a KeyObject: threads of one process share
 * what is behind it, and another process would get an empty object. O(objects in the clone).
 */
export function findPlatformObject(clone: unknown): object | undefined {
  if (typeof clone !== 'object' || clone === null) return undefined;
  language ??= languagePrototypes();
  const seen = new Set<object>([clone]);
  const add = (value: unknown): void => {
    if (typeof value === 'object' && value !== null) seen.add(value);
  };
  // What is added on the way is visited, too.
  for (const object of seen) {
    const prototype: unknown = Object.getPrototypeOf(object);
    if (!language.has(prototype) && !types.isTypedArray(object)) return object;
    if (ArrayBuffer.isView(object)) continue;
    for (const value of Object.values(object)) add(value);
    // Of an error, where it is hidden.
    add((object as { readonly cause?: unknown }).cause);
    if (types.isSet(object)) for (const value of object) add(value);
    else if (types.isMap(object))
      for (const [key, value] of object) {
        add(key);
        add(value);
      }
  }
  return undefined;
}
