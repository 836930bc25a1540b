import type { z } from 'zod';

import { above0, integer, mapping, milliseconds, type Complete } from './values.ts';

/** A steady rate with bursts. */
export interface RateConfig {
  /** Requests per second in the long run. Above 0, at most 1e9. */
  readonly ratePerSecond: number;
  /** Largest burst, in requests. Integer, 1 to 1e9. @default ratePerSecond, rounded up */
  readonly capacity?: number | undefined;
}

/** So many requests in any such time. */
export interface WindowConfig {
  /** Requests. Integer, 1 to 1e9; of a `sliding-log` at most 1,000,000. */
  readonly limit: number;
  /** In ms: 60000 is a minute. Integer, 1 to 31,622,400,000, a year. */
  readonly windowMs: number;
}

export type ResolvedRate = Complete<RateConfig>;
export type ResolvedWindow = Complete<WindowConfig>;

/** Far beyond what one process serves, and small enough for exact arithmetic on tokens. */
const MOST = 1_000_000_000;
/** In ms. */
const A_YEAR = 31_622_400_000;
/** A sliding log keeps a time for each request. */
export const MOST_LOGGED = 1_000_000;

export const rateShape: {
  readonly ratePerSecond: z.ZodNumber;
  readonly capacity: z.ZodOptional<z.ZodNumber>;
} = {
  ratePerSecond: above0(MOST),
  capacity: integer(1, MOST).optional(),
};

export const windowShape = (
  most: number = MOST,
): { readonly limit: z.ZodNumber; readonly windowMs: z.ZodNumber } => ({
  limit: integer(1, most),
  windowMs: integer(1, A_YEAR),
});

/** How long a limiter takes to warm up. */
export const warmUp: z.ZodOptional<z.ZodNumber> = milliseconds().optional();

export const rateSchema: z.ZodType<ResolvedRate, RateConfig> = mapping(
  'a limit: { ratePerSecond, capacity }',
  rateShape,
).transform(withCapacity);

export const windowSchema = (most?: number): z.ZodType<ResolvedWindow, WindowConfig> =>
  mapping('a limit: { limit, windowMs }', windowShape(most));

/** The rate with its default burst. */
export function withCapacity<T extends z.output<z.ZodObject<typeof rateShape>>>(
  rate: T,
): T & { capacity: number } {
  return { ...rate, capacity: rate.capacity ?? Math.ceil(rate.ratePerSecond) };
}
