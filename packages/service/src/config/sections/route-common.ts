import { z } from 'zod';

import { integer } from './values.ts';

export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';

/** What every route has, wherever it goes. */
export interface CommonRouteConfig {
  /** `/orders/:id`, `/files/*`. No other route may have the same but for the parameters' names. */
  readonly path: string;
  /** Name of a limiter, or a list of them: a request passes all of them or takes from none. @default none */
  readonly limiter?: string | readonly string[] | undefined;
  /** Name of a breaker. @default none */
  readonly breaker?: string | undefined;
  /** Largest body, in bytes. @default server.maxBodyBytes */
  readonly maxBodyBytes?: number | undefined;
}

/** `limiter` is a list; `limiter` and `breaker` are missing where there is none; what they name exists. */
export interface ResolvedCommonRoute {
  readonly method: readonly HttpMethod[];
  readonly path: string;
  readonly limiter?: readonly string[];
  readonly breaker?: string;
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
}

/** TRACE and CONNECT are left out: the one mirrors credentials, the other is for proxies. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

const METHOD = `one of ${METHODS.join(', ')}`;
const LIMITERS = 'the name of a limiter, or a list of them';

const method = z.enum(METHODS, { error: METHOD });
const methods = z
  .array(method)
  .min(1, { error: 'at least one method' })
  .refine((list) => new Set(list).size === list.length, { error: 'every method once' })
  .refine((list) => !(list.includes('GET') && list.includes('HEAD')), {
    error: 'no HEAD beside GET, which answers it as well',
  });

export const nameOf = (what: string): z.ZodString => z.string({ error: `the name of a ${what}` });

const limiters = z
  .array(nameOf('limiter'))
  .min(1, { error: 'at least one limiter' })
  .refine((list) => new Set(list).size === list.length, { error: 'every limiter once' });

export const methodsSchema: z.ZodType<
  HttpMethod | HttpMethod[],
  HttpMethod | readonly HttpMethod[]
> = z.union([method, methods], { error: `${METHOD}, or a list of them` });

export const limitersSchema: z.ZodType<string | string[], string | readonly string[]> = z.union(
  [nameOf('limiter'), limiters],
  { error: LIMITERS },
);

export const maxBodyBytesSchema: z.ZodNumber = integer(1);
