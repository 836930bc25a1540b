import { z } from 'zod';

import { breakerSchema, type BreakerConfig, type ResolvedBreaker } from './breaker.ts';
import {
  ejectionSchema,
  healthSchema,
  hedgeSchema,
  retrySchema,
  type EjectionConfig,
  type HealthConfig,
  type ResolvedEjection,
  type ResolvedHealth,
  type ResolvedUpstreamHedge,
  type ResolvedUpstreamRetry,
  type UpstreamHedgeConfig,
  type UpstreamRetryConfig,
} from './upstream-policies.ts';
import {
  dnsSchema,
  targetsSchema,
  tlsSchema,
  type ResolvedUpstreamDns,
  type ResolvedUpstreamTls,
  type UpstreamDnsConfig,
  type UpstreamTlsConfig,
} from './upstream-target.ts';
import {
  compact,
  integer,
  mapping,
  MAX_MS,
  milliseconds,
  oneOf,
  orFalse,
  trueOrFalse,
  withRules,
  type Complete,
  type Rule,
} from './values.ts';

/**
 * The Host that targets see: `target`, their own; `client`, as the client sent it; or always the same:
 * `{ fixed: stock.internal }`.
 */
export type HostPolicy = 'target' | 'client' | { readonly fixed: string };

/** Other servers that a route can go to in place of a handler, all of which do the same. */
export interface UpstreamConfig {
  /** Their origins, 1 to 1000: `http://10.0.0.7:8080`. A request reaches these, whatever it says, and no others. */
  readonly targets: readonly string[];
  /** `dns`: each address that a target's host name has is a target of its own, looked up again in time. @default 'static' */
  readonly resolve?: 'static' | 'dns' | undefined;
  /** With `resolve: dns`. @default none: { minTtlMs: 1000, maxTtlMs: 60000, servers: [] } with resolve: dns */
  readonly dns?: UpstreamDnsConfig | undefined;
  /** Most requests under way to one target at a time. Integer, 1 to 10,000. @default 64 */
  readonly connections?: number | undefined;
  /** Requests that may wait for that, over all targets. Integer, 0 to 1,000,000. @default 1000 */
  readonly pending?: number | undefined;
  /** Time until a connection stands, TLS included, in ms. @default 1000 */
  readonly connectTimeoutMs?: number | undefined;
  /** Time for the header of the answer once the request is sent, of each try, in ms. @default 10000 */
  readonly headersTimeoutMs?: number | undefined;
  /** Longest silence within a body, either way, in ms. @default 30000 */
  readonly bodyTimeoutMs?: number | undefined;
  /**
   * Time from admission to the last byte of the answer, in ms, where a route does not say otherwise. Of upgraded
   * connections and event streams: to the header of the answer, then `idleTimeoutMs` holds. @default 10000
   */
  readonly timeoutMs?: number | undefined;
  /** Longest silence both ways on an upgraded connection or an event stream, in ms. @default 300000 */
  readonly idleTimeoutMs?: number | undefined;
  /** How long an idle connection to a target is kept, in ms. Less than the target keeps it. @default 4000 */
  readonly keepAliveMs?: number | undefined;
  /** Whether HTTP/2 is used with `https:` targets that offer it. @default true */
  readonly http2?: boolean | undefined;
  /** Of `https:` targets. @default none */
  readonly tls?: UpstreamTlsConfig | undefined;
  /** The Host header that targets see. @default 'target' */
  readonly host?: HostPolicy | undefined;
  /**
   * X-Forwarded-For, -Host, -Proto and Forwarded. `append` to what came from one of `server.trustedProxies`,
   * and in place of what came from others; `replace` whatever came; `off`: targets see none of them. @default 'append'
   */
  readonly forwarded?: 'append' | 'replace' | 'off' | undefined;
  /** What the service calls itself in Via, both ways; false: no Via of its own. @default 'sluice' */
  readonly via?: string | false | undefined;
  /** @default none: its own defaults; false: no retries */
  readonly retry?: UpstreamRetryConfig | false | undefined;
  /** @default none: no hedges */
  readonly hedge?: UpstreamHedgeConfig | undefined;
  /** One for each target. @default none: its own defaults; false: no breakers */
  readonly breaker?: BreakerConfig | false | undefined;
  /** @default none: its own defaults; false: no target is ejected */
  readonly ejection?: EjectionConfig | false | undefined;
  /** @default none: nobody asks */
  readonly health?: HealthConfig | undefined;
  /** A target that is new or came back gets its share of the requests over so long, in ms; 0: at once. @default 10000 */
  readonly slowStartMs?: number | undefined;
}

type Parts = 'dns' | 'tls' | 'retry' | 'hedge' | 'breaker' | 'ejection' | 'health';

/** Targets as `URL.origin` writes them. `dns` is there with `resolve: dns`; `tls`, `hedge` and `health` where they were given. */
export type ResolvedUpstream = Complete<Omit<UpstreamConfig, Parts>> & {
  readonly dns?: ResolvedUpstreamDns;
  readonly tls?: ResolvedUpstreamTls;
  readonly retry: ResolvedUpstreamRetry | false;
  readonly hedge?: ResolvedUpstreamHedge;
  readonly breaker: ResolvedBreaker | false;
  readonly ejection: ResolvedEjection | false;
  readonly health?: ResolvedHealth;
};

const HOST = 'one of target, client, { fixed: a host name }';
const VIA = 'a name of letters, digits and -._~, or false';
const FIXED = 'a host name or address, with its port if there is one';

const host = z.union(
  [
    z.enum(['target', 'client'], { error: HOST }),
    mapping(HOST, {
      fixed: z
        .string({ error: FIXED })
        .regex(/^(?:[\w.~-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/, { error: FIXED }),
    }),
  ],
  { error: HOST },
);

const mappingOfUpstream = mapping('an upstream', {
  targets: targetsSchema,
  resolve: oneOf(['static', 'dns']).default('static'),
  dns: dnsSchema.optional(),
  connections: integer(1, 10_000).default(64),
  pending: integer(0, 1_000_000).default(1000),
  connectTimeoutMs: milliseconds().default(1000),
  headersTimeoutMs: milliseconds().default(10_000),
  bodyTimeoutMs: milliseconds().default(30_000),
  timeoutMs: milliseconds().default(10_000),
  idleTimeoutMs: milliseconds().default(300_000),
  keepAliveMs: milliseconds().default(4000),
  http2: trueOrFalse().default(true),
  tls: tlsSchema.optional(),
  host: host.default('target'),
  forwarded: oneOf(['append', 'replace', 'off']).default('append'),
  via: z
    .union([z.literal(false), z.string({ error: VIA }).regex(/^[\w.~-]{1,100}$/, { error: VIA })], {
      error: VIA,
    })
    .default('sluice'),
  retry: orFalse(retrySchema, 'a retry').prefault({}),
  hedge: hedgeSchema.optional(),
  breaker: orFalse(breakerSchema, 'a breaker').prefault({}),
  ejection: orFalse(ejectionSchema, 'an ejection').prefault({}),
  health: healthSchema.optional(),
  slowStartMs: integer(0, MAX_MS).default(10_000),
});

const rules: readonly Rule<z.output<typeof mappingOfUpstream>>[] = [
  {
    key: 'dns',
    expected: 'left out, as names are looked up again only with resolve: dns',
    holds: ({ resolve, dns }) => dns === undefined || resolve !== 'static',
  },
  {
    key: 'tls',
    expected: 'left out, as no target begins with https://',
    holds: ({ targets, tls }) => tls === undefined || !isPlain(targets),
  },
];

export const upstreamSchema: z.ZodType<ResolvedUpstream, UpstreamConfig> = withRules(
  mappingOfUpstream,
  rules,
).transform((upstream) =>
  compact({
    ...upstream,
    dns: upstream.resolve === 'dns' ? (upstream.dns ?? dnsSchema.parse({})) : undefined,
  }),
);

/** Whether all of them are right and none is secured. */
function isPlain(targets: unknown): boolean {
  return (
    Array.isArray(targets) &&
    targets.every((target) => typeof target === 'string' && /^http:/i.test(target))
  );
}
