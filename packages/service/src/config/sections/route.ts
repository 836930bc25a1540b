import { z } from 'zod';

import {
  completeOptions,
  type HandlerRouteConfig,
  type ResolvedHandlerRoute,
} from './handler-route.ts';
import type { HandlerFunction } from './handler.ts';
import { requestEditsSchema, responseEditsSchema } from './header-edits.ts';
import { limitersSchema, maxBodyBytesSchema, methodsSchema, nameOf } from './route-common.ts';
import { pathSchema, rewriteSchema } from './route-path.ts';
import {
  ALL_METHODS,
  type ResolvedUpstreamRoute,
  type UpstreamRouteConfig,
} from './upstream-route.ts';
import { compact, integer, mapping, milliseconds, oneOf, withRules, type Rule } from './values.ts';

/** Which requests go where, and through what: to a handler, or to an upstream. */
export type RouteConfig<H = HandlerFunction> = HandlerRouteConfig<H> | UpstreamRouteConfig;

/** Has either `handler` or `upstream`, by which its kind is told. */
export type ResolvedRoute<H = HandlerFunction> = ResolvedHandlerRoute<H> | ResolvedUpstreamRoute;

/** A route in which what other sections say is still to be filled in. */
export type UnfinishedRoute<H> =
  | Unfinished<ResolvedHandlerRoute<H>, 'maxBodyBytes'>
  | Unfinished<ResolvedUpstreamRoute, 'maxBodyBytes' | 'timeoutMs'>;

type Unfinished<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>;

type Given = Readonly<Record<string, unknown>>;

/** Why a key has no place beside `upstream`. */
const OF_HANDLERS: Readonly<Record<string, string>> = {
  handler: 'left out, as the upstream answers',
  options: 'left out beside upstream, as options are for handlers',
  pool: "left out beside upstream, as the upstream's connections and pending are the bounds",
  body: 'left out beside upstream, as bodies are passed on as they flow',
  successStatus: 'left out beside upstream, as targets set the status',
};

/** Why a key has no place beside `handler`. */
const OF_UPSTREAMS: Readonly<Record<string, string>> = {
  stripPrefix: 'left out beside handler, as no path is passed on to it',
  rewrite: 'left out beside handler, as no path is passed on to it',
  requestHeaders: 'left out beside handler, which gets the headers as they came',
  responseHeaders: 'left out beside handler, whose answer has no headers of its own',
};

const rules: readonly Rule<Given>[] = [
  {
    key: 'handler',
    expected: 'a handler, or an upstream in its place',
    holds: ({ handler, upstream }) => handler !== undefined || upstream !== undefined,
  },
  ...leftOutBeside('upstream', OF_HANDLERS),
  ...leftOutBeside('handler', OF_UPSTREAMS),
  {
    key: 'rewrite',
    expected: 'left out beside stripPrefix, as each says what the path becomes',
    holds: ({ stripPrefix, rewrite }) => stripPrefix === undefined || rewrite === undefined,
  },
];

/** A route, to a handler of this kind or to an upstream. */
export function routeSchema<H>(
  handler: z.ZodType<H | string, H | string>,
): z.ZodType<UnfinishedRoute<H>, RouteConfig<H>> {
  const shape = mapping('a route', {
    method: methodsSchema.optional(),
    path: pathSchema,
    handler: handler.optional(),
    options: z.record(z.string(), z.unknown(), { error: 'a mapping' }).optional(),
    upstream: z.string({ error: 'the name of an upstream' }).optional(),
    stripPrefix: z.string({ error: 'a path that starts with "/"' }).optional(),
    rewrite: rewriteSchema.optional(),
    requestHeaders: requestEditsSchema.optional(),
    responseHeaders: responseEditsSchema.optional(),
    limiter: limitersSchema.optional(),
    breaker: nameOf('breaker').optional(),
    pool: nameOf('pool').optional(),
    timeoutMs: milliseconds().optional(),
    body: oneOf(['json', 'text', 'bytes', 'stream']).optional(),
    maxBodyBytes: maxBodyBytesSchema.optional(),
    successStatus: integer(200, 299).optional(),
  });
  return withRules(shape, rules as readonly Rule<object>[]).transform(unfinished) as never;
}

function leftOutBeside(
  other: string,
  reasons: Readonly<Record<string, string>>,
): readonly Rule<Given>[] {
  return Object.entries(reasons).map(([key, expected]) => ({
    key,
    expected,
    holds: ({ [other]: present, [key]: value }) => present === undefined || value === undefined,
  }));
}

/** The route with its own defaults; the schema has seen to it that it is of one kind. */
function unfinished(given: Given): object {
  const { method, limiter, handler, upstream } = given;
  const defaults =
    upstream === undefined
      ? { method: ['GET'], options: {}, timeoutMs: 10_000, body: 'json', successStatus: 200 }
      : { method: ALL_METHODS, requestHeaders: NO_EDITS, responseHeaders: NO_EDITS };
  const options = handler && completeOptions(handler, (given['options'] ?? {}) as Given);
  return {
    ...defaults,
    ...compact({
      ...given,
      method: typeof method === 'string' ? [method] : method,
      limiter: typeof limiter === 'string' ? [limiter] : limiter,
      options,
    }),
  };
}

const NO_EDITS = { set: {}, add: {}, remove: [] };
