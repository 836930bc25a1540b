import { z } from 'zod';

import { findingsOf } from './issues.ts';
import { show, type Finding } from './problems.ts';
import { SECTIONS, type ServiceConfig } from './schema.ts';
import { above0, integer, mapping, MAX_MS, withRules } from './sections/index.ts';

/**
 * The configuration of the Go design that sluice re-builds, as it stands: six keys, and what is left
 * out is as in the built-in configuration. It means that design's service: `GET /api/endpoint`, 100 ms
 * of simulated work behind a token bucket, a breaker and a pool.
 */
export interface GoDesignConfig {
  /** 0 to 65535, as `"8080"`, `":8080"` or a number. @default 8080 */
  readonly port?: number | string | undefined;
  /** Lanes of the pool, in front of which 1000 requests may wait. @default 10, or max_workers if that is less */
  readonly worker_pool_size?: number | undefined;
  /** The most lanes that the pool may have: `worker_pool_size` must not exceed it. @default no limit */
  readonly max_workers?: number | undefined;
  /** Failures in a row after which the breaker opens. @default 5 */
  readonly failure_threshold?: number | undefined;
  /** How long the breaker stays open, each time, in seconds. @default 0.5, doubling to 5 */
  readonly timeout_seconds?: number | undefined;
  /** Requests per second in the long run, after a burst of 1000. @default 100 */
  readonly rate_limit?: number | undefined;
}

/** Each of the six keys, and where a configuration in sections says the same. */
const EQUIVALENTS: Readonly<Record<keyof GoDesignConfig, string>> = {
  port: 'server.port',
  worker_pool_size: 'pools.<name>.size',
  max_workers: 'pools.<name>.size',
  failure_threshold: 'breakers.<name>.consecutiveFailures',
  timeout_seconds: 'breakers.<name>.openMs, in ms',
  rate_limit: 'limiters.<name>.ratePerSecond',
};

const MOST_LANES = 100_000;
const PORT = 'a port from 0 to 65535, as 8080, "8080" or ":8080"';

const port = z
  .union([z.number(), z.string()], { error: PORT })
  .transform((given) => (typeof given === 'number' ? given : portIn(given)))
  .pipe(
    z
      .number({ error: PORT })
      .int({ error: PORT })
      .min(0, { error: PORT })
      .max(65_535, { error: PORT }),
  );

const goDesignSchema = withRules(
  mapping('a mapping', {
    port: port.optional(),
    worker_pool_size: integer(1, MOST_LANES).optional(),
    max_workers: integer(1, MOST_LANES).optional(),
    failure_threshold: integer(1, 1_000_000).optional(),
    timeout_seconds: above0(Math.floor(MAX_MS / 1000)).optional(),
    rate_limit: above0(1_000_000_000).optional(),
  }),
  [
    {
      key: 'worker_pool_size',
      expected: 'at most max_workers',
      holds: ({ worker_pool_size: size = 0, max_workers: most = Infinity }) => !(size > most),
    },
  ],
);

/** A document's content in our sections, as far as it can be, and what of the six keys is wrong. */
export interface Sections {
  /** Undefined when it says nothing in sections. */
  readonly content: unknown;
  readonly findings: readonly Finding[];
}

/**
 * Takes a document that has some of the six keys, and otherwise none of our sections, as one of the Go
 * design, and says the same in sections. In one that has both, each of the six is reported with the
 * place where it belongs, and the sections are left. Any other stays as it is.
 */
export function asSections(content: Readonly<Record<string, unknown>>): Sections {
  const keys = Object.keys(content);
  const theirs = keys.filter(isGoDesignKey);
  if (theirs.length === 0) return { content, findings: [] };
  const ours = keys.filter((key) => SECTIONS.includes(key as keyof ServiceConfig));
  if (ours.length > 0) {
    const rest = Object.entries(content).filter(([key]) => !isGoDesignKey(key));
    const findings = theirs.map((key) => misplaced(key, ours));
    return { content: Object.fromEntries(rest), findings };
  }
  const parsed = goDesignSchema.safeParse(content);
  if (parsed.success) return { content: translate(parsed.data), findings: [] };
  const findings = findingsOf(parsed.error.issues, { root: content, path: '' });
  return { content: undefined, findings };
}

function isGoDesignKey(key: string): key is keyof GoDesignConfig {
  return Object.hasOwn(EQUIVALENTS, key);
}

function misplaced(key: keyof GoDesignConfig, sections: readonly string[]): Finding {
  return {
    path: key,
    expected: 'either sections or the six keys of the Go design, not both',
    found: `the key ${show(key)} beside ${sections.join(', ')}`,
    remedy: `write ${EQUIVALENTS[key]}`,
    part: 'key',
  };
}

function translate(go: z.output<typeof goDesignSchema>): ServiceConfig<never> {
  const openMs = go.timeout_seconds && Math.max(1, Math.round(go.timeout_seconds * 1000));
  const failures = go.failure_threshold ?? 5;
  return {
    server: { port: go.port },
    limiters: { public: { ratePerSecond: go.rate_limit ?? 100, capacity: 1000 } },
    breakers: {
      endpoint: {
        consecutiveFailures: failures,
        // That design knows no failure rate. All of so many calls failing is its own condition again.
        failureRateThreshold: 1,
        minimumCalls: Math.max(20, failures),
        openMs,
        maxOpenMs: openMs,
      },
    },
    pools: { io: { size: go.worker_pool_size ?? Math.min(10, go.max_workers ?? 10), queue: 1000 } },
    routes: [
      {
        path: '/api/endpoint',
        handler: 'builtin:simulated-work',
        options: { durationMs: 100 },
        timeoutMs: 30_000,
        limiter: 'public',
        breaker: 'endpoint',
        pool: 'io',
      },
    ],
  };
}

/** The port in `"8080"` or `":8080"`, as that design's `":" + port` and Go's own addresses have it. */
function portIn(text: string): number {
  return /^:?\d{1,5}$/.test(text) ? Number(text.replace(':', '')) : Number.NaN;
}
