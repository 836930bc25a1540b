import { z } from 'zod';

import { optionsSchema, type HandlerFunction } from './handler.ts';
import { pathSchema } from './route-path.ts';
import { compact, integer, mapping, milliseconds, oneOf, type Complete } from './values.ts';

export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';

/** How a handler gets the request's body. `stream` is for bodies that should not be held in memory. */
export type BodyKind = 'json' | 'text' | 'bytes' | 'stream';

/** Which requests go where, and through what. `H` is the type of a handler given in code. */
export interface RouteConfig<H = HandlerFunction> {
  /** One method, or a list of them. `GET` answers HEAD as well. @default 'GET' */
  readonly method?: HttpMethod | readonly HttpMethod[] | undefined;
  /** `/orders/:id`, `/files/*`. No other route may have the same but for the parameters' names. */
  readonly path: string;
  /**
   * What answers. In a file `./orders.ts#create`, relative to that file (`default` is the export if
   * none is named), or a handler of sluice: `builtin:simulated-work`, `builtin:digest`.
   */
  readonly handler: H | string;
  /** Handed to the handler. For `builtin:simulated-work`: `{ durationMs: 100 }`. @default {} */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  /** Name of a limiter, or a list of them: a request passes all of them or takes from none. @default none */
  readonly limiter?: string | readonly string[] | undefined;
  /** Name of a breaker. @default none */
  readonly breaker?: string | undefined;
  /**
   * Name of a pool. A route that names none runs on the pool `default`, which has 100 lanes and 1000
   * places to wait unless the configuration has one of that name. @default none
   */
  readonly pool?: string | undefined;
  /** Time from admission to the answer, in ms. @default 10000 */
  readonly timeoutMs?: number | undefined;
  /** How the handler gets the body. @default 'json' */
  readonly body?: BodyKind | undefined;
  /** Largest body, in bytes. @default server.maxBodyBytes */
  readonly maxBodyBytes?: number | undefined;
  /** Status of an answer for which the handler set none. 200 to 299. @default 200 */
  readonly successStatus?: number | undefined;
}

/** `limiter` is a list; `limiter`, `breaker` and `pool` are missing where there is none; what they name exists. */
export type ResolvedRoute<H = HandlerFunction> = ResolvedWithoutBytes<H> & {
  readonly maxBodyBytes: number;
};

type ResolvedWithoutBytes<H> = Complete<
  Pick<RouteConfig<H>, 'path' | 'handler' | 'options' | 'timeoutMs' | 'body' | 'successStatus'>
> & {
  readonly method: readonly HttpMethod[];
  readonly limiter?: readonly string[];
  readonly breaker?: string;
  readonly pool?: string;
};

/** A route whose body limit is still to be filled in from the server's. */
export type RouteWithoutBytes<H> = ResolvedWithoutBytes<H> & { readonly maxBodyBytes?: number };

/** TRACE and CONNECT are left out: the one mirrors credentials, the other is for proxies. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

const METHOD = `one of ${METHODS.join(', ')}`;

const method = z.enum(METHODS, { error: METHOD });
const methods = z
  .array(method)
  .min(1, { error: 'at least one method' })
  .refine((list) => new Set(list).size === list.length, { error: 'every method once' })
  .refine((list) => !(list.includes('GET') && list.includes('HEAD')), {
    error: 'no HEAD beside GET, which answers it as well',
  });

const nameOf = (what: string): z.ZodString => z.string({ error: `the name of a ${what}` });

const LIMITERS = 'the name of a limiter, or a list of them';

const limiters = z
  .array(nameOf('limiter'))
  .min(1, { error: 'at least one limiter' })
  .refine((list) => new Set(list).size === list.length, { error: 'every limiter once' });

/** A route with handlers of this kind. */
export function routeSchema<H>(
  handler: z.ZodType<H | string, H | string>,
): z.ZodType<RouteWithoutBytes<H>, RouteConfig<H>> {
  const shape = mapping('a route', {
    method: z.union([method, methods], { error: `${METHOD}, or a list of them` }).default('GET'),
    path: pathSchema,
    handler,
    options: z.record(z.string(), z.unknown(), { error: 'a mapping' }).default({}),
    limiter: z.union([nameOf('limiter'), limiters], { error: LIMITERS }).optional(),
    breaker: nameOf('breaker').optional(),
    pool: nameOf('pool').optional(),
    timeoutMs: milliseconds().default(10_000),
    body: oneOf(['json', 'text', 'bytes', 'stream']).default('json'),
    maxBodyBytes: integer(1).optional(),
    successStatus: integer(200, 299).default(200),
  });
  return shape.transform((route) =>
    compact({
      ...route,
      method: typeof route.method === 'string' ? [route.method] : route.method,
      limiter: typeof route.limiter === 'string' ? [route.limiter] : route.limiter,
      options: completeOptions(route.handler, route.options),
    }),
  );
}

/** The options with the defaults of a built-in handler filled in; wrong ones are left as they are. */
function completeOptions(
  handler: unknown,
  options: Record<string, unknown>,
): Record<string, unknown> {
  const parsed = optionsSchema(handler)?.safeParse(options);
  return parsed?.success === true ? parsed.data : options;
}
