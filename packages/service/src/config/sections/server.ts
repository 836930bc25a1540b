import { isIP } from 'node:net';

import { z } from 'zod';

import { isProxy } from './limiter-key.ts';
import { integer, mapping, milliseconds, withRules, type Complete } from './values.ts';

/** The listening socket, and what one client may ask of it. */
export interface ServerConfig {
  /** Address to listen on: an IP address or a host name. @default '0.0.0.0' */
  readonly host?: string | undefined;
  /** TCP port, 0 to 65535; 0 takes any free one. @default 8080 */
  readonly port?: number | undefined;
  /** Connections open at once; further ones are closed as they come. @default 10000 */
  readonly maxConnections?: number | undefined;
  /** Largest request body, in bytes, where a route does not say otherwise. @default 1048576 */
  readonly maxBodyBytes?: number | undefined;
  /** Largest header of a request, all lines together, in bytes. @default 16384 */
  readonly maxHeaderBytes?: number | undefined;
  /**
   * Time for the whole header to arrive, in ms. At most `requestTimeoutMs`, which Node insists on.
   * @default 10000, or requestTimeoutMs if that is less
   */
  readonly headersTimeoutMs?: number | undefined;
  /**
   * Time for the whole request to arrive, header and body, in ms.
   * @default 30000, or headersTimeoutMs if that is more
   */
  readonly requestTimeoutMs?: number | undefined;
  /**
   * How long an idle connection is kept open for the next request, in ms. It must outlast the idle
   * time of the balancer in front, or the balancer sends a request into a connection that is just
   * being closed and answers 502. 72 s outlasts the 60 s of AWS' ALB and of nginx, and is what Fastify
   * takes; Google's balancer holds 600 s and wants 620000 here.
   * @default 72000
   */
  readonly keepAliveTimeoutMs?: number | undefined;
  /**
   * The proxies in front, whose word in X-Forwarded-For about the client is believed by limiters with
   * `key: ip`: addresses, CIDR blocks, `loopback`, `private`. Only your own: a client among them can
   * call itself whatever it likes. Empty, nobody is believed, and the client is whoever connects. @default []
   */
  readonly trustedProxies?: readonly string[] | undefined;
}

export type ResolvedServer = Complete<ServerConfig>;

const PROXY = 'an IP address, a CIDR block such as 10.0.0.0/8, loopback or private';
const PROXIES = 'a list of the proxies in front';
/** A header is walked against the list for every request. */
const MOST_PROXIES = 1000;
const HOST_NAME = /^(?!-)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.?$/;
const HOST = 'an IP address or a host name, without port or scheme';

const mappingOfServer = mapping('a mapping', {
  host: z
    .string({ error: HOST })
    .refine((host) => isIP(host) > 0 || HOST_NAME.test(host), { error: HOST })
    .default('0.0.0.0'),
  port: integer(0, 65_535).default(8080),
  maxConnections: integer(1, 1_000_000).default(10_000),
  maxBodyBytes: integer(1).default(1_048_576),
  maxHeaderBytes: integer(1024, 1_048_576).default(16_384),
  headersTimeoutMs: milliseconds().optional(),
  requestTimeoutMs: milliseconds().optional(),
  keepAliveTimeoutMs: milliseconds().default(72_000),
  trustedProxies: z
    .array(z.string({ error: PROXY }).refine(isProxy, { error: PROXY }), { error: PROXIES })
    .max(MOST_PROXIES, { error: `at most ${MOST_PROXIES} proxies` })
    .default([]),
});

export const serverSchema: z.ZodType<ResolvedServer, ServerConfig> = withRules(mappingOfServer, [
  {
    key: 'headersTimeoutMs',
    expected: 'at most requestTimeoutMs',
    holds: ({ headersTimeoutMs: header = 0, requestTimeoutMs: request = Infinity }) =>
      !(header > request),
  },
]).transform(({ headersTimeoutMs: header, requestTimeoutMs: request, ...rest }) => ({
  ...rest,
  headersTimeoutMs: header ?? Math.min(10_000, request ?? Infinity),
  requestTimeoutMs: request ?? Math.max(30_000, header ?? 0),
}));
