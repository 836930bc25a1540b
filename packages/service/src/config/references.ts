import { findingsOf } from './issues.ts';
import { childPath, type ConfigPath } from './paths.ts';
import { list, show, type Finding } from './problems.ts';
import { wrongRewrites } from './rewrites.ts';
import {
  ALL_METHODS,
  isKeyOf,
  keyForms,
  limiterKeySchema,
  optionsSchema,
  patternOf,
} from './sections/index.ts';

/** The key of a route that names something, the section in which it is looked up, and what it is. */
const REFERENCES = [
  { key: 'limiter', section: 'limiters', what: 'a limiter' },
  { key: 'breaker', section: 'breakers', what: 'a breaker' },
  { key: 'pool', section: 'pools', what: 'a pool' },
  { key: 'upstream', section: 'upstreams', what: 'an upstream' },
] as const;

type Mapping = Readonly<Record<string, unknown>>;

/**
 * What is wrong between the parts of a configuration: names that name nothing, routes that take the
 * same requests, options that a built-in handler does not know. Reads the configuration as it was
 * given and passes over what has the wrong shape, which the schema reports.
 */
export function findingsBetween(config: unknown): readonly Finding[] {
  if (!isMapping(config)) return [];
  const given = Array.isArray(config['routes']) ? config['routes'] : [];
  const routes = given.map((route: unknown) => (isMapping(route) ? route : {}));
  return [
    ...wrongPlans(config['limiters']),
    ...danglingNames(config, routes),
    ...collisions(routes),
    ...wrongOptions(routes),
    ...wrongRewrites(routes),
  ];
}

function danglingNames(config: Mapping, routes: readonly Mapping[]): readonly Finding[] {
  return REFERENCES.flatMap(({ key, section, what }) => {
    const entries = config[section] ?? {};
    if (!isMapping(entries)) return [];
    const names = Object.keys(entries);
    const expected = `the name of ${what} (${list(names) || 'there is none'})`;
    return routes.flatMap((route, index) => {
      const path = childPath(childPath('routes', index), key);
      return namesIn(route[key], path)
        .filter(({ name }) => !Object.hasOwn(entries, name))
        .map(({ name, at }) => {
          return { path: at, expected, found: show(name), meant: { name, candidates: names } };
        });
    });
  });
}

/** The names that a route gives at `path`: one, or a list of them. */
function namesIn(
  value: unknown,
  path: ConfigPath,
): readonly { readonly name: string; readonly at: ConfigPath }[] {
  if (typeof value === 'string') return [{ name: value, at: path }];
  if (!Array.isArray(value)) return [];
  return value.flatMap((name: unknown, i) =>
    typeof name === 'string' ? [{ name, at: childPath(path, i) }] : [],
  );
}

/** Keys that are given a plan which there is not, and those that no client has. */
function wrongPlans(limiters: unknown): readonly Finding[] {
  if (!isMapping(limiters)) return [];
  return Object.entries(limiters).flatMap(([name, limiter]) => {
    if (!isMapping(limiter) || !isMapping(limiter['keys'])) return [];
    const path = childPath(childPath(childPath('', 'limiters'), name), 'keys');
    return [...wrongKeys(limiter, path), ...danglingPlans(limiter, path)];
  });
}

function danglingPlans({ plans = {}, keys }: Mapping, path: ConfigPath): readonly Finding[] {
  if (!isMapping(plans)) return [];
  const candidates = Object.keys(plans);
  const expected = `the name of a plan (${list(candidates) || 'there is none'})`;
  return Object.entries(keys as Mapping).flatMap(([key, plan]) =>
    typeof plan !== 'string' || Object.hasOwn(plans, plan)
      ? []
      : [
          {
            path: childPath(path, key),
            expected,
            found: show(plan),
            meant: { name: plan, candidates },
          },
        ],
  );
}

/** Told of the mapping as a whole: what stands there in place of a hash may be a secret. */
function wrongKeys({ key, keys }: Mapping, path: ConfigPath): readonly Finding[] {
  const parsed = limiterKeySchema.safeParse(key);
  if (!parsed.success) return [];
  const all = Object.keys(keys as Mapping);
  const wrong = all.filter((text) => !isKeyOf(parsed.data, text)).length;
  if (wrong === 0) return [];
  return [{ path, expected: keyForms(parsed.data), found: `${wrong} other of ${all.length}` }];
}

function collisions(routes: readonly Mapping[]): readonly Finding[] {
  const firsts = new Map<string, number>();
  return routes.flatMap((route, index) => {
    const path = route['path'];
    if (typeof path !== 'string') return [];
    const taken = new Map<number, string>();
    for (const method of methodsOf(route)) {
      const key = `${method} ${patternOf(path)}`;
      const first = firsts.get(key) ?? index;
      firsts.set(key, first);
      if (first !== index && !taken.has(first)) taken.set(first, method);
    }
    return Array.from(taken, ([first, method]) =>
      collision({ index, first, method, path, routes }),
    );
  });
}

interface Collision {
  readonly index: number;
  readonly first: number;
  readonly method: string;
  readonly path: string;
  readonly routes: readonly Mapping[];
}

function collision({ index, first, method, path, routes }: Collision): Finding {
  return {
    path: childPath(childPath('routes', index), 'path'),
    expected: `a path that no other ${method} route has, such as routes[${first}]`,
    found: show(path),
    remedy: reasonOf(method, routes[first]?.['path'] === path),
  };
}

function reasonOf(method: string, samePath: boolean): string | undefined {
  if (!samePath) return "parameters' names tell no routes apart";
  return method === 'HEAD' ? 'a GET route answers HEAD as well' : undefined;
}

function wrongOptions(routes: readonly Mapping[]): readonly Finding[] {
  return routes.flatMap(({ handler, options }, index) => {
    const parsed = optionsSchema(handler)?.safeParse(options ?? {});
    if (!isMapping(options) || parsed === undefined || parsed.success) return [];
    const path = childPath(childPath('routes', index), 'options');
    return findingsOf(parsed.error.issues, { root: options, path });
  });
}

/** What the route answers: who answers GET answers HEAD. */
function methodsOf(route: Mapping): readonly string[] {
  const { method = route['upstream'] === undefined ? 'GET' : ALL_METHODS } = route;
  const methods: readonly unknown[] = Array.isArray(method) ? method : [method];
  const names = methods.filter((name) => typeof name === 'string');
  return names.includes('GET') ? [...names, 'HEAD'] : names;
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
