import type { z } from 'zod';

import { mapping, oneOf, trueOrFalse, type Complete } from './values.ts';

/** From the most to the least talkative. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** What is logged: JSON lines on standard output. */
export interface LogConfig {
  /** The least level that is logged. @default 'info' */
  readonly level?: LogLevel | undefined;
  /** Whether every request is logged when it is answered. @default true */
  readonly requests?: boolean | undefined;
}

export type ResolvedLog = Complete<LogConfig>;

export const logSchema: z.ZodType<ResolvedLog, LogConfig> = mapping('a mapping', {
  level: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  requests: trueOrFalse().default(true),
});
