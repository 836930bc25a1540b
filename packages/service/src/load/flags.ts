import { readFileSync } from 'node:fs';
import { InvalidOptionsError, type OptionProblem } from '@sluice/core';
import { findLoadProblems, shown, type UncheckedOptions } from './option-problems.ts';
import type { LoadOptions } from './options.ts';

/**
 * The command line as it was typed, one text per option. What was not typed must be left out: the
 * defaults are filled in later, and `--rate` beside `--connections` is a mistake.
 */
export interface LoadFlags {
  readonly url: string;
  /** `--rate <n>`: requests per second. */
  readonly rate?: string | undefined;
  /** `--connections <n>`: requests kept outstanding. */
  readonly connections?: string | undefined;
  /** `--duration <time>`: `10` (seconds), `500ms`, `30s`, `1m`, `1h`. */
  readonly duration?: string | undefined;
  /** `--arrivals constant|poisson`. */
  readonly arrivals?: string | undefined;
  /** `--max-in-flight <n>`. */
  readonly maxInFlight?: string | undefined;
  /** `--timeout <time>` of a request, written like a duration. */
  readonly timeout?: string | undefined;
  /** `--method <verb>`. */
  readonly method?: string | undefined;
  /** `--header <name: value>`, any number of times. */
  readonly header?: readonly string[] | undefined;
  /** `--body <text>` or `--body @<file>`. */
  readonly body?: string | undefined;
  /** `--expect-status <list>`: `2xx,3xx`. */
  readonly expectStatus?: string | undefined;
  /** `--allow-remote`. */
  readonly allowRemote?: boolean | undefined;
  /** `--json`: the report as JSON. */
  readonly json?: boolean | undefined;
}

/** Reads a file whole. @throws when it cannot be read */
export type ReadFile = (path: string) => Uint8Array;

/** What each option is called on the command line. */
const FLAG_OF: Readonly<Record<keyof LoadOptions, string>> = {
  url: '<url>',
  ratePerSecond: '--rate',
  connections: '--connections',
  durationMs: '--duration',
  arrivals: '--arrivals',
  maxInFlight: '--max-in-flight',
  timeoutMs: '--timeout',
  method: '--method',
  headers: '--header',
  body: '--body',
  expectStatus: '--expect-status',
  allowRemote: '--allow-remote',
};

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * The options that the flags stand for.
 * @throws InvalidOptionsError naming all problems at once, by the names of the flags.
 */
export function parseLoadFlags(flags: LoadFlags, readFile: ReadFile = readFileSync): LoadOptions {
  const problems: OptionProblem[] = [];
  const options: UncheckedOptions = {
    url: flags.url,
    ratePerSecond: toNumber(flags.rate),
    connections: toNumber(flags.connections),
    durationMs: toMs('--duration', flags.duration, problems),
    arrivals: flags.arrivals,
    maxInFlight: toNumber(flags.maxInFlight),
    timeoutMs: toMs('--timeout', flags.timeout, problems),
    method: flags.method?.toUpperCase(),
    headers: toHeaders(flags.header, problems),
    body: toBody(flags.body, readFile, problems),
    expectStatus: flags.expectStatus,
    allowRemote: flags.allowRemote,
  };
  for (const problem of findLoadProblems(options)) {
    problems.push({ ...problem, option: FLAG_OF[problem.option as keyof LoadOptions] });
  }
  if (problems.length > 0) throw new InvalidOptionsError('sluice load', problems);
  return options as unknown as LoadOptions;
}

/** A time in ms from its text; a number alone is in seconds. Undefined when it is no time. */
export function parseTime(text: string): number | undefined {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h)?$/.exec(text.trim()) ?? [];
  return amount === undefined ? undefined : Number(amount) * UNIT_MS[unit]!;
}

/** The number, or the text as it is, for the check to refuse it. */
function toNumber(text: string | undefined): unknown {
  return text === undefined || !/^[\d.]+(e\d+)?$/i.test(text) ? text : Number(text);
}

function toMs(flag: string, text: string | undefined, problems: OptionProblem[]): unknown {
  if (text === undefined) return undefined;
  const ms = parseTime(text);
  if (ms === undefined) {
    const expected = 'a time such as 10 (seconds), 500ms, 30s, 1m or 1h';
    problems.push({ option: flag, expected, got: shown(text) });
  }
  return ms;
}

function toHeaders(lines: readonly string[] = [], problems: OptionProblem[]): unknown {
  const [whole, broken] = [lines.filter(isHeaderLine), lines.filter((line) => !isHeaderLine(line))];
  for (const line of broken) {
    const expected = 'a name and a value, such as "accept: text/plain"';
    problems.push({ option: '--header', expected, got: shown(line) });
  }
  return whole.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
}

function isHeaderLine(line: string): boolean {
  return line.indexOf(':') > 0;
}

function toBody(text: string | undefined, readFile: ReadFile, problems: OptionProblem[]): unknown {
  if (text === undefined || !text.startsWith('@')) return text;
  try {
    return readFile(text.slice(1));
  } catch (error) {
    const reason = (error as { code?: string }).code ?? String(error);
    const expected = 'text, or @ and the name of a file that can be read';
    problems.push({ option: '--body', expected, got: `${shown(text)} (${reason})` });
    return undefined;
  }
}
