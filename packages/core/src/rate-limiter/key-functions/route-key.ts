import { digest } from './digest.ts';
import type { KeyedRequest, RoutePath } from './keyed-request.ts';

/** What stands for the pattern where Fastify found no route, so that made-up paths make no keys. */
const NO_ROUTE = 'no-route';

/** The longest path that a key shows as it is, in characters. */
const LONGEST_PATH = 200;

/** An absolute URL's scheme and host, which a client may write as it likes, then the path. */
const PATH = /^(?:[a-z][a-z\d+.-]*:\/\/[^/?#]*)?([^?#]*)/i;

/**
 * Keys requests by method and route: `GET /users/:id`. The pattern is known where the framework tells
 * it: in Fastify's hooks and handlers (with `GET no-route` for what matches none), and within Express's
 * routes, but not yet in its `app.use`; Express tells no pattern of a parameter in a mount path.
 *
 * Elsewhere it is the path without the query, which the client writes: `/a` and `/%61` are two keys, and
 * there are as many as it likes. A path over 200 characters is hashed. O(length of the URL).
 */
export function routeKey(request: KeyedRequest): string {
  const { method = 'GET', routeOptions, route, baseUrl = '' } = request;
  if (routeOptions !== undefined) return `${method} ${routeOptions.url ?? NO_ROUTE}`;
  const path = route?.path === undefined ? pathOf(request) : baseUrl + patternOf(route.path);
  return `${method} ${path.length > LONGEST_PATH ? `#${digest(path)}` : path}`;
}

function patternOf(path: RoutePath): string {
  return typeof path === 'string' ? path : String(path);
}

function pathOf({ originalUrl, url = '' }: KeyedRequest): string {
  return PATH.exec(originalUrl ?? url)?.[1] || '/';
}
