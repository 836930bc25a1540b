/**
 * A copy of plain objects and arrays, frozen to the bottom; an entry that is undefined is left out.
 * Anything else in it (functions, instances of classes) is the caller's own and stays as it is.
 */
export function frozenCopy<T>(value: T): T {
  return copy(value, new Map()) as T;
}

/** `copies` keeps what is shared shared, and ends cycles. */
function copy(value: unknown, copies: Map<unknown, unknown>): unknown {
  if (!isPlain(value)) return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  const target: unknown[] | Record<string, unknown> = Array.isArray(value) ? [] : {};
  copies.set(value, target);
  for (const [key, entry] of Object.entries(value)) {
    if (entry === undefined && !Array.isArray(value)) continue;
    // Assigning to a key `__proto__` would set the prototype.
    Object.defineProperty(target, key, { value: copy(entry, copies), enumerable: true });
  }
  return Object.freeze(target);
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}
