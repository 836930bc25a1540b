import { parseArgs } from 'node:util';
import type { Isolation } from './harness/track.ts';
import { BenchError } from './harness/subject.ts';

export const USAGE = `npm run bench -- [subject…] [options]

  --list              name the subjects
  --smoke             run everything once, briefly: checksums count, figures do not
  --rounds N          rounds of every contender (default 7)
  --round-ms MS       length of what counts in a round (default 300; of a trial 150)
  --requests N        requests in a window of an HTTP subject (default 30000)
  --no-memory         leave out bytes per operation and per connection
  --isolation KIND    process: a fresh process for each round (default); none: all in this one
  --report FILE       write the report there instead of into bench/results/
  --strict            exit with 1 when a limit is not met
  --help`;

/** The command line, validated. Undefined: the size's own default. */
export interface Command {
  readonly names: readonly string[];
  readonly list: boolean;
  readonly smoke: boolean;
  readonly help: boolean;
  readonly strict: boolean;
  readonly rounds: number | undefined;
  readonly roundMs: number | undefined;
  readonly requests: number | undefined;
  readonly memory: boolean | undefined;
  readonly isolation: Isolation | undefined;
  readonly report: string | undefined;
}

const flag = { type: 'boolean', default: false } as const;
const text = { type: 'string' } as const;

/** @throws BenchError naming the argument that cannot be understood */
export function parseCommand(args: readonly string[]): Command {
  const { values, positionals } = parse(args);
  if (values.smoke && values.strict)
    throw new BenchError('--strict judges figures, and those of --smoke mean nothing');
  return {
    names: positionals,
    list: values.list,
    smoke: values.smoke,
    help: values.help,
    strict: values.strict,
    rounds: count('rounds', values.rounds),
    roundMs: count('round-ms', values['round-ms']),
    requests: count('requests', values.requests),
    memory: values['no-memory'] ? false : undefined,
    isolation: isolation(values.isolation),
    report: values.report,
  };
}

function parse(args: readonly string[]) {
  const options = {
    list: flag,
    smoke: flag,
    help: flag,
    strict: flag,
    'no-memory': flag,
    rounds: text,
    'round-ms': text,
    requests: text,
    isolation: text,
    report: text,
  };
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new BenchError(error instanceof Error ? error.message : String(error));
  }
}

function count(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw new BenchError(`--${name} must be an integer of at least 1, got ${value}`);
}

function isolation(value: string | undefined): Isolation | undefined {
  if (value === undefined || value === 'process' || value === 'none') return value;
  throw new BenchError(`--isolation must be process or none, got ${value}`);
}
