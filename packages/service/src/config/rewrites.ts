import { childPath } from './paths.ts';
import { list, show, type Finding } from './problems.ts';
import { parametersOf, pathSchema, rewriteSchema } from './sections/index.ts';

type Route = Readonly<Record<string, unknown>>;

/**
 * What of `stripPrefix` and `rewrite` does not fit the `path` of its route. Passes over what is no
 * path at all, which the schema reports.
 */
export function wrongRewrites(routes: readonly Route[]): readonly Finding[] {
  return routes.flatMap(({ path, stripPrefix, rewrite }, index) => {
    if (typeof path !== 'string' || !pathSchema.safeParse(path).success) return [];
    const at = childPath('routes', index);
    return [
      ...(typeof stripPrefix === 'string' ? wrongPrefix(stripPrefix, path, at) : []),
      ...(typeof rewrite === 'string' && rewriteSchema.safeParse(rewrite).success
        ? unknownParameters(rewrite, path, at)
        : []),
    ];
  });
}

function wrongPrefix(prefix: string, path: string, at: string): readonly Finding[] {
  const longest = fixedPartOf(path);
  if (prefix !== '' && prefix !== '/' && `${longest}/`.startsWith(`${prefix}/`)) return [];
  const expected =
    longest === ''
      ? 'left out, as the path of the route begins with no fixed segment'
      : `a part of the path of the route that ends where a segment does, such as ${show(longest)}`;
  return [{ path: childPath(at, 'stripPrefix'), expected, found: show(prefix) }];
}

/** The segments before the first parameter. */
function fixedPartOf(path: string): string {
  return path.replace(/\/(?:[:*].*)?$/, '');
}

function unknownParameters(rewrite: string, path: string, at: string): readonly Finding[] {
  const candidates = parametersOf(path);
  const unknown = parametersOf(rewrite).find((name) => !candidates.includes(name));
  if (unknown === undefined) return [];
  const expected = `no parameters but those of the path (${list(candidates) || 'there is none'})`;
  return [
    {
      path: childPath(at, 'rewrite'),
      expected,
      found: show(rewrite),
      meant: unknown === '*' ? undefined : { name: unknown, candidates },
    },
  ];
}
