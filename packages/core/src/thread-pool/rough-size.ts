/**
 * Whether a value takes more than so many bytes when it is serialised, by its texts, its bytes and the number of its
 * parts; one that stands in several places counts for each. Looks no further than to where it is too much, so a
 * large value costs no more than one of `limit` bytes. False may be wrong by a small factor.
 */
export function isLargerThan(value: unknown, limit: number): boolean {
  const rest: unknown[] = [value];
  let bytes = 0;
  // Each step counts for a byte, so that a cycle ends.
  while (rest.length > 0 && bytes <= limit) bytes += 1 + visit(rest.pop(), rest, limit);
  return bytes > limit;
}

/** Bytes of the value itself. Its parts are added to `rest`. */
function visit(value: unknown, rest: unknown[], limit: number): number {
  const add = (parts: Iterable<unknown>, count: number): number => {
    // As each of them counts, they need not be looked at.
    if (count > limit) return count;
    for (const part of parts) rest.push(part);
    return 0;
  };
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength;
  if (value instanceof SharedArrayBuffer) return 0;
  if (Array.isArray(value)) return add(value, value.length);
  if (value instanceof Map) {
    return add(value.keys(), value.size) + add(value.values(), value.size);
  }
  if (value instanceof Set) return add(value, value.size);
  const names = Object.keys(value);
  return add(names, names.length) + add(Object.values(value), names.length);
}
