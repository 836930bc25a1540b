import { isIP } from 'node:net';

import { z } from 'zod';

import { compact, mapping, milliseconds, trueOrFalse, withRules, type Complete } from './values.ts';

/** How long an answer of the name service is believed, and whom to ask. */
export interface UpstreamDnsConfig {
  /** A shorter time to live is taken for this, in ms. @default 1000 */
  readonly minTtlMs?: number | undefined;
  /** A longer one for this. At least `minTtlMs`. @default 60000, or minTtlMs if that is more */
  readonly maxTtlMs?: number | undefined;
  /** Name servers: `10.0.0.2`, `10.0.0.2:5353`, `[fd00::2]:53`. Empty, those of the system. @default [] */
  readonly servers?: readonly string[] | undefined;
}

export type ResolvedUpstreamDns = Complete<UpstreamDnsConfig>;

/** Of targets with `https:`. Files are PEM, relative to the configuration file. */
export interface UpstreamTlsConfig {
  /** File with the certificates of the authorities that are trusted, in place of Node's own. @default none */
  readonly ca?: string | undefined;
  /** File with the certificate that the service shows, with `key`. @default none */
  readonly cert?: string | undefined;
  /** File with its private key. @default none */
  readonly key?: string | undefined;
  /** The name that the target's certificate must have, and that is sent as SNI. @default none: the target's host name */
  readonly serverName?: string | undefined;
  /** Whether the target's certificate is checked. Only for tests is `false` right. @default true */
  readonly verify?: boolean | undefined;
}

type MayBeMissing = 'ca' | 'cert' | 'key' | 'serverName';

export type ResolvedUpstreamTls = { readonly verify: boolean } & {
  readonly [K in MayBeMissing]?: string;
};

const TARGET = 'an origin such as http://10.0.0.7:8080 or https://stock.example';
const TARGETS = 'a list of 1 to 1000 targets';
const MOST_TARGETS = 1000;
const SERVER = 'the address of a name server, such as 10.0.0.2 or [fd00::2]:53';
const FILE = 'the name of a file';
const HOST_NAME = 'a host name';

const target = z
  .string({ error: TARGET })
  .superRefine((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const remedy = url && tooMuchIn(url);
    if (url === undefined || remedy !== undefined || !text.includes('://')) {
      context.addIssue({ code: 'custom', message: TARGET, params: { remedy } });
    }
  })
  .transform((text) => (URL.canParse(text) ? new URL(text).origin : text));

export const targetsSchema: z.ZodType<readonly string[], readonly string[]> = z
  .array(target, { error: TARGETS })
  .min(1, { error: TARGETS })
  .max(MOST_TARGETS, { error: TARGETS })
  .refine((all) => new Set(all).size === all.length, { error: 'every target once' });

export const dnsSchema: z.ZodType<ResolvedUpstreamDns, UpstreamDnsConfig> = withRules(
  mapping('a mapping: { minTtlMs, maxTtlMs, servers }', {
    minTtlMs: milliseconds().default(1000),
    maxTtlMs: milliseconds().optional(),
    servers: z
      .array(z.string({ error: SERVER }).refine(isNameServer, { error: SERVER }), {
        error: 'a list of name servers',
      })
      .max(10, { error: 'at most 10 name servers' })
      .default([]),
  }),
  [
    {
      key: 'maxTtlMs',
      expected: 'at least minTtlMs',
      holds: ({ minTtlMs, maxTtlMs = Infinity }) => !(maxTtlMs < minTtlMs),
    },
  ],
).transform((dns) => ({ ...dns, maxTtlMs: dns.maxTtlMs ?? Math.max(60_000, dns.minTtlMs) }));

const file = z.string({ error: FILE }).regex(/^[^\0]+$/, { error: FILE });

export const tlsSchema: z.ZodType<ResolvedUpstreamTls, UpstreamTlsConfig> = withRules(
  mapping('a mapping: { ca, cert, key, serverName, verify }', {
    ca: file.optional(),
    cert: file.optional(),
    key: file.optional(),
    serverName: z
      .string({ error: HOST_NAME })
      .regex(/^(?!-)[\w.-]{1,253}$/, { error: HOST_NAME })
      .optional(),
    verify: trueOrFalse().default(true),
  }),
  [
    {
      key: 'key',
      expected: 'the file with the private key of cert',
      holds: ({ cert, key }) => cert === undefined || key !== undefined,
    },
    {
      key: 'cert',
      expected: 'the file with the certificate of key',
      holds: ({ cert, key }) => key === undefined || cert !== undefined,
    },
  ],
).transform(compact);

/** What an URL has that an origin has not, and what to do about it. */
function tooMuchIn(url: URL): string | undefined {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'use http:// or https://';
  if (url.username !== '' || url.password !== '') {
    return 'set authorization in requestHeaders of the routes, not here';
  }
  if (url.port === '0') return 'use a port from 1 to 65535';
  if (url.pathname !== '/') return 'put the path into rewrite of the routes';
  return url.search !== '' || url.hash !== '' ? 'leave out all after the port' : undefined;
}

function isNameServer(text: string): boolean {
  const [, inBrackets, plain, port] =
    /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return false;
  if (isIP(text) > 0) return true;
  return inBrackets === undefined ? isIP(plain ?? '') === 4 : isIP(inBrackets) === 6;
}
