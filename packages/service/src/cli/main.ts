import { Command, CommanderError, Option } from 'commander';

import { LOAD_DEFAULTS, runLoad, type LoadFlags } from '../load/index.ts';
import { serve, type ServeFlags } from './serve.ts';
import { version } from './version.ts';

/** Wrong words on the command line, like a wrong configuration. */
const USAGE_ERROR = 2;

const program = new Command('sluice')
  .description('Runs HTTP services that hold under load, and puts load on them.')
  .version(version, '-v, --version')
  .showHelpAfterError('(sluice --help says what there is)')
  .exitOverride();

program
  .command('serve')
  .description('runs the service that a file describes; without one, the built-in example')
  .argument('[config]', 'YAML or JSON file')
  .option('--host <address>', 'listen here, whatever the file says')
  .option('--port <port>', 'listen on this port, whatever the file says')
  .option('--print-config', 'print the built-in example as a file to begin with, and exit')
  .action(async (file: string | undefined, flags: ServeFlags) => {
    process.exitCode = await serve(file, flags);
  });

program
  .command('load')
  .description('puts load on a URL in open loop, and says how it held')
  .argument('<url>', 'where to; only this machine, unless --allow-remote is given')
  .option(
    '--rate <n>',
    `requests per second, whether or not answers come back (default: ${LOAD_DEFAULTS.ratePerSecond})`,
  )
  .addOption(new Option('--connections <n>', 'closed loop instead: keep n requests outstanding'))
  .option('--duration <time>', `10, 500ms, 30s, 1m (default: ${LOAD_DEFAULTS.durationMs / 1000}s)`)
  .option('--arrivals <kind>', 'constant or poisson (default: constant)')
  .option(
    '--max-in-flight <n>',
    `most requests outstanding (default: ${LOAD_DEFAULTS.maxInFlight})`,
  )
  .option('--timeout <time>', `per request (default: ${LOAD_DEFAULTS.timeoutMs / 1000}s)`)
  .option('--method <verb>', 'GET, POST, … (default: GET)')
  .option('--header <name: value>', 'any number of times', collect)
  .option('--body <text>', 'the text, or @file')
  .option('--expect-status <list>', 'what counts as success (default: 2xx,3xx)')
  .option('--allow-remote', 'load a machine that is not this one; only with its owner’s consent')
  .option('--json', 'the report as JSON')
  .action(async (url: string, flags: Omit<LoadFlags, 'url'>) => {
    process.exitCode = await runLoad(
      { ...flags, url },
      { stdout: process.stdout, stderr: process.stderr, signal: onInterrupt() },
    );
  });

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

/** Aborted by the first Ctrl-C; the second one ends the process. */
function onInterrupt(): AbortSignal {
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  return interrupt.signal;
}

// A reader that leaves (`sluice load … | head`) is no reason to fail.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : USAGE_ERROR;
}
