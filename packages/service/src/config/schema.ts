import { z } from 'zod';

import {
  breakerSchema,
  limiterSchema,
  logSchema,
  mapping,
  named,
  poolSchema,
  routeSchema,
  serverSchema,
  shutdownSchema,
  upstreamSchema,
  type BreakerConfig,
  type HandlerFunction,
  type LimiterConfig,
  type LogConfig,
  type PoolConfig,
  type ResolvedBreaker,
  type ResolvedLimiter,
  type ResolvedLog,
  type ResolvedPool,
  type ResolvedRoute,
  type ResolvedServer,
  type ResolvedShutdown,
  type ResolvedUpstream,
  type RouteConfig,
  type ServerConfig,
  type ShutdownConfig,
  type UpstreamConfig,
} from './sections/index.ts';

type Names<T> = Readonly<Record<string, T>>;

/**
 * What a user writes, in a file or in code; everything but what a route needs may be left out. `H` is
 * the type of the handlers given in code; in a file they are texts.
 */
export interface ServiceConfig<H = HandlerFunction> {
  readonly server?: ServerConfig | undefined;
  /** Rate limiters by name. Routes that name the same one share it. */
  readonly limiters?: Names<LimiterConfig> | undefined;
  /** Circuit breakers by name. */
  readonly breakers?: Names<BreakerConfig> | undefined;
  /** Worker pools by name. */
  readonly pools?: Names<PoolConfig> | undefined;
  /** Other servers that routes can go to, by name. */
  readonly upstreams?: Names<UpstreamConfig> | undefined;
  /** @default [] */
  readonly routes?: readonly RouteConfig<H>[] | undefined;
  readonly log?: LogConfig | undefined;
  readonly shutdown?: ShutdownConfig | undefined;
}

/**
 * A configuration that was validated as a whole, with every default filled in, frozen to the bottom.
 * It is itself a right `ServiceConfig`, and resolves to itself.
 */
export interface ResolvedConfig<H = HandlerFunction> {
  readonly server: ResolvedServer;
  readonly limiters: Names<ResolvedLimiter>;
  readonly breakers: Names<ResolvedBreaker>;
  readonly pools: Names<ResolvedPool>;
  readonly upstreams: Names<ResolvedUpstream>;
  readonly routes: readonly ResolvedRoute<H>[];
  readonly log: ResolvedLog;
  readonly shutdown: ResolvedShutdown;
}

/** The sections, in the order in which documents list them. */
export const SECTIONS: readonly (keyof ServiceConfig)[] = [
  'server',
  'limiters',
  'breakers',
  'pools',
  'upstreams',
  'routes',
  'log',
  'shutdown',
];

/**
 * The shape of a configuration whose handlers are these. What holds between sections, such as that a
 * route's limiter exists, is checked apart, in `references.ts`: zod checks a whole only when all of its
 * parts are right, and a user wants every problem at once.
 */
export function configSchema<H>(
  handler: z.ZodType<H | string, H | string>,
): z.ZodType<ResolvedConfig<H>, ServiceConfig<H>> {
  const shape = mapping(`a mapping of sections (${SECTIONS.join(', ')})`, {
    server: serverSchema.prefault({}),
    limiters: named('limiters', limiterSchema).default({}),
    breakers: named('breakers', breakerSchema).default({}),
    pools: named('pools', poolSchema).default({}),
    upstreams: named('upstreams', upstreamSchema).default({}),
    routes: z.array(routeSchema(handler), { error: 'a list of routes' }).default([]),
    log: logSchema.prefault({}),
    shutdown: shutdownSchema.prefault({}),
  });
  return shape.transform((config) => ({
    ...config,
    routes: config.routes.map((route) => ({
      ...route,
      maxBodyBytes: route.maxBodyBytes ?? config.server.maxBodyBytes,
      // An upstream that is not there is reported elsewhere, and then nobody reads this.
      timeoutMs: route.timeoutMs ?? config.upstreams[route.upstream ?? '']?.timeoutMs ?? 0,
    })),
  }));
}
