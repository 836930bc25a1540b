/** Where a value stands in a configuration, as people write it: `routes[1].limiter`; `''` is the whole. */
export type ConfigPath = string;

const PLAIN_KEY = /^[\w-]+$/;
const LAST_STEP = /(?:\.?[\w-]+|\[\d+\]|\["(?:[^"\\]|\\.)*"\])$/;
const LONGEST_KEY = 64;

/** The path of an entry of the mapping (a string) or list (a number) at `parent`. */
export function childPath(parent: ConfigPath, key: string | number): ConfigPath {
  if (typeof key === 'number') return `${parent}[${key}]`;
  if (!PLAIN_KEY.test(key) || key.length > LONGEST_KEY) {
    return `${parent}[${JSON.stringify(key.slice(0, LONGEST_KEY))}]`;
  }
  return parent === '' ? key : `${parent}.${key}`;
}

/** The path of the mapping or list that holds `path`; undefined for the whole. */
export function parentPath(path: ConfigPath): ConfigPath | undefined {
  return path === '' ? undefined : path.replace(LAST_STEP, '');
}

/** The path with these steps. */
export function formatPath(steps: readonly PropertyKey[]): ConfigPath {
  let path = '';
  for (const step of steps) path = childPath(path, typeof step === 'number' ? step : String(step));
  return path;
}

/** The value that `steps` lead to; undefined when they lead nowhere. */
export function valueAt(root: unknown, steps: readonly PropertyKey[]): unknown {
  let value = root;
  for (const step of steps) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step))
      return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}
