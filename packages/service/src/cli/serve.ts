import { InvalidOptionsError, systemClock } from '@sluice/core';
import type { Logger } from 'pino';

import {
  builtInConfig,
  builtInText,
  formatProblems,
  loadConfigFile,
  type ConfigSource,
  type ResolvedConfig,
} from '../config/index.ts';
import { createService, type Service } from '../service.ts';
import { createLogger, logError } from '../telemetry/index.ts';
import { startScreen } from './start-screen.ts';

/** How long the process may take to end by itself, in ms. */
const LEFTOVERS_MS = 1000;

export interface ServeFlags {
  readonly host?: string;
  readonly port?: string;
  readonly printConfig?: boolean;
}

/** What the process exits with: 0 stopped when told, 1 could not start, 2 the configuration is wrong. */
export type ServeExitCode = 0 | 1 | 2;

/** The action of `sluice serve`: runs until a signal says stop. Tells problems on standard error. */
export async function serve(file: string | undefined, flags: ServeFlags): Promise<ServeExitCode> {
  if (flags.printConfig) {
    process.stdout.write(builtInText);
    return 0;
  }
  const loaded = file === undefined ? builtInConfig() : await loadConfigFile(file, process.env);
  if (!loaded.ok) {
    process.stderr.write(formatProblems(loaded.problems));
    return 2;
  }
  const { config, source } = loaded;
  const logger = createLogger(config.log);
  try {
    const service = createService(withFlags(config, flags), { logger, folder: source.folder });
    surviveStrayErrors(logger);
    const stopped = untilStopped(service);
    const url = await service.start();
    process.stderr.write(startScreen(service.config, url));
    await stopped;
    return 0;
  } catch (error) {
    return explain(error, source, flags);
  } finally {
    leaveNothingBehind(logger);
  }
}

/** A timer or a connection that a handler's module holds must not keep the process of a stopped service. */
function leaveNothingBehind(logger: Logger): void {
  const end = (): never => {
    logger.warn('ending, although a handler has left something running');
    process.exit();
  };
  systemClock.schedule(LEFTOVERS_MS, end, { keepAlive: false });
}

/** Signals closer together are one: npm hands a Ctrl-C on to a program that the terminal has told already. */
const SAME_SIGNAL_MS = 100;

/** From now on the first signal finishes what was accepted; the second ends at once. */
async function untilStopped(service: Service): Promise<void> {
  const signalled = new Promise<void>((resolve) => {
    let firstMs: number | undefined;
    const onSignal = (): void => {
      const nowMs = systemClock.nowMs();
      if (firstMs !== undefined && nowMs - firstMs < SAME_SIGNAL_MS) return;
      if (firstMs !== undefined) process.exit(1);
      firstMs = nowMs;
      process.stderr.write('\nStopping: finishing what was accepted. Once more ends at once.\n');
      resolve();
    };
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  });
  await signalled;
  await service.stop();
}

function withFlags(
  config: ResolvedConfig<never>,
  { host, port }: ServeFlags,
): ResolvedConfig<never> {
  const server = {
    ...config.server,
    ...(host === undefined ? {} : { host }),
    // Text that is no number fails the validation, which says so.
    ...(port === undefined ? {} : { port: /^\d+$/.test(port) ? Number(port) : (port as never) }),
  };
  return { ...config, server };
}

/**
 * A promise that a handler left floating, or a late throw in one of its callbacks, belongs to no
 * request. It is logged; ending the process for it would take every other request with it.
 */
function surviveStrayErrors(logger: Logger): void {
  const report = (message: string) => (error: unknown) => logError(logger, {}, error, message);
  process.on('unhandledRejection', report('a rejection that nobody handled'));
  process.on('uncaughtException', report('an error that nobody caught'));
}

function explain(error: unknown, source: ConfigSource, flags: ServeFlags): ServeExitCode {
  if (error instanceof InvalidOptionsError) {
    const problems = error.problems.map(({ option, expected, got }) => {
      const flag =
        option === 'server.port' ? 'port' : option === 'server.host' ? 'host' : undefined;
      if (flag && flags[flag] !== undefined) return { path: `--${flag}`, expected, found: got };
      return source.problemAt({ path: option, expected, found: got });
    });
    process.stderr.write(formatProblems(problems));
    return 2;
  }
  const { code, address, port, message } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  const reason = code === undefined ? undefined : LISTEN_ERRORS[code];
  const place = address === undefined ? message : `${address}:${port}`;
  const sentence = reason === undefined ? message : `cannot listen on ${place}: ${reason}`;
  process.stderr.write(`sluice: ${sentence}\n`);
  return 1;
}

const LISTEN_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program does. Choose another port with --port, or stop that program.',
  EACCES: 'this user may not. Ports below 1024 need rights; choose another with --port.',
  EADDRNOTAVAIL: 'this machine does not have that address. Choose another with --host.',
  ENOTFOUND: 'the host name is not known. Choose another with --host.',
  EAI_AGAIN: 'the host name could not be looked up. Choose another with --host.',
};
