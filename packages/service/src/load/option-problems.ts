import { METHODS, validateHeaderName, validateHeaderValue } from 'node:http';
import type { OptionProblem } from '@sluice/core';
import { isLoopback } from './loopback.ts';
import type { LoadOptions } from './options.ts';
import { parseStatusRule } from './status-rule.ts';

/** Options that are not yet known to be right. */
export type UncheckedOptions = Readonly<Partial<Record<keyof LoadOptions, unknown>>>;

const MAX_RATE = 1_000_000;
const MAX_CONNECTIONS = 100_000;
const MAX_DURATION_MS = 24 * 3_600_000;
const MAX_TIMEOUT_MS = 3_600_000;

/** They belong to the connection or are worked out from the body. */
const OWN_HEADERS = ['content-length', 'expect', 'keep-alive', 'transfer-encoding', 'upgrade'];

const METHODS_TO_SEND = METHODS.filter((method) => method !== 'CONNECT');

interface Check {
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
}

const upTo = (most: number, what: string): Check => ({
  expected: `${what} above 0 and at most ${most}`,
  accepts: (value) => typeof value === 'number' && value > 0 && value <= most,
});

const wholeUpTo = (most: number): Check => ({
  expected: `an integer from 1 to ${most}`,
  accepts: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most,
});

const checks: Readonly<Record<keyof LoadOptions, Check>> = {
  url: {
    expected: 'a URL that begins with http:// or https://, without user name and password',
    accepts: (value) => parseUrl(value) !== undefined,
  },
  ratePerSecond: upTo(MAX_RATE, 'a number of requests per second'),
  connections: wholeUpTo(MAX_CONNECTIONS),
  durationMs: upTo(MAX_DURATION_MS, 'a number of ms'),
  arrivals: {
    expected: 'constant or poisson',
    accepts: (value) => value === 'constant' || value === 'poisson',
  },
  maxInFlight: wholeUpTo(MAX_CONNECTIONS),
  timeoutMs: upTo(MAX_TIMEOUT_MS, 'a number of ms'),
  method: {
    expected: 'an HTTP method such as GET or POST',
    accepts: (value) => METHODS_TO_SEND.includes(String(value)),
  },
  headers: {
    expected: `names and values that HTTP allows, without ${OWN_HEADERS.join(', ')}`,
    accepts: (value) => Array.isArray(value) && value.every(isHeader),
  },
  body: {
    expected: 'text or bytes',
    accepts: (value) => typeof value === 'string' || value instanceof Uint8Array,
  },
  expectStatus: {
    expected: 'a list of statuses and classes of them, such as 2xx,404',
    accepts: (value) => typeof value === 'string' && parseStatusRule(value) !== undefined,
  },
  allowRemote: { expected: 'true or false', accepts: (value) => typeof value === 'boolean' },
};

/** Every problem of the options, by the names of {@link LoadOptions}. */
export function findLoadProblems(options: UncheckedOptions): readonly OptionProblem[] {
  const names = Object.keys(checks) as (keyof LoadOptions)[];
  const wrong = names
    .filter((name) => options[name] !== undefined || name === 'url')
    .filter((name) => !checks[name].accepts(options[name]))
    .map((option) => ({ option, expected: checks[option].expected, got: shown(options[option]) }));
  return [...wrong, ...findConflicts(options)];
}

function findConflicts(options: UncheckedOptions): readonly OptionProblem[] {
  const conflicts: OptionProblem[] = [];
  if (options.connections !== undefined) {
    const open = ['ratePerSecond', 'arrivals', 'maxInFlight'] as const;
    for (const option of open.filter((name) => options[name] !== undefined)) {
      const expected =
        'left out when connections are given: a closed loop sends as answers come back';
      conflicts.push({ option, expected, got: shown(options[option]) });
    }
  }
  const url = parseUrl(options.url);
  if (url && options.allowRemote !== true && !isLoopback(url)) {
    const expected =
      'on this machine (localhost, 127.0.0.1 or ::1), unless remote hosts are allowed (--allow-remote): ' +
      "a load generator pointed at somebody else's machine is an attack";
    conflicts.push({ option: 'url', expected, got: shown(url.origin) });
  }
  return conflicts;
}

function parseUrl(value: unknown): URL | undefined {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  const plain = url && /^https?:$/.test(url.protocol) && !url.username && !url.password;
  return plain ? url : undefined;
}

function isHeader(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [name, text] = value as [unknown, unknown];
  if (typeof name !== 'string' || typeof text !== 'string') return false;
  try {
    validateHeaderName(name);
    validateHeaderValue(name, text);
  } catch {
    return false;
  }
  return !OWN_HEADERS.includes(name.toLowerCase());
}

/** The value as text for a message, at most 60 characters and without a password in a URL. */
export function shown(value: unknown): string {
  const text = (JSON.stringify(value) ?? String(value)).replace(/\/\/[^/@]*@/, '//...@');
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
