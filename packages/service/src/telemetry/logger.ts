import { pino, type Logger } from 'pino';

import type { ResolvedLog } from '../config/index.ts';

/** Bytes of log that may wait for a slow reader of standard output; beyond it lines are dropped. */
const MAX_PENDING_BYTES = 16 * 1024 * 1024;

/** JSON lines on standard output, written in the background; what is left is written when the process ends. */
export function createLogger({ level }: ResolvedLog): Logger {
  const destination = pino.destination({ sync: false, maxLength: MAX_PENDING_BYTES });
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

/** Asks a logger that holds lines back to write them. Resolves when it has, or cannot. */
export function flushLog(logger: Logger): Promise<void> {
  return new Promise((resolve) => logger.flush(() => resolve()));
}

/** Logs an error of anybody's making: anything can be thrown, also what cannot be read. */
export function logError(
  logger: Logger,
  fields: Readonly<Record<string, string>>,
  err: unknown,
  message: string,
): void {
  try {
    logger.error({ ...fields, err }, message);
  } catch {
    logger.error(fields, `${message}; it cannot be shown`);
  }
}
