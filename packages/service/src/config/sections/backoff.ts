import type { BackoffOptions } from '@sluice/core';
import { z } from 'zod';

import { mapping, milliseconds, oneOf, withRules } from './values.ts';

const TYPES = ['constant', 'exponential', 'decorrelated-jitter'] as const;
const BACKOFF = `a backoff with type ${TYPES.join(', ')}`;
const FACTOR = 'a number of at least 1';

const jitter = oneOf(['none', 'full', 'equal']).optional();
const factor = z.number({ error: FACTOR }).gte(1, { error: FACTOR }).optional();

const longest = {
  key: 'maxMs',
  expected: 'at least baseMs',
  holds: ({ baseMs = 128, maxMs }: { baseMs?: number | undefined; maxMs?: number | undefined }) =>
    !(maxMs !== undefined && maxMs < baseMs),
} as const;

/** How long to wait, time after time; defaults are those of the policy that waits. */
export const backoffSchema: z.ZodType<BackoffOptions, BackoffOptions> = z.discriminatedUnion(
  'type',
  [
    mapping(BACKOFF, { type: z.literal(TYPES[0]), delayMs: milliseconds(), jitter }),
    withRules(
      mapping(BACKOFF, {
        type: z.literal(TYPES[1]),
        baseMs: milliseconds(),
        factor,
        maxMs: milliseconds().optional(),
        jitter,
      }),
      [longest],
    ),
    withRules(
      mapping(BACKOFF, {
        type: z.literal(TYPES[2]),
        baseMs: milliseconds().optional(),
        maxMs: milliseconds().optional(),
      }),
      [longest],
    ),
  ],
  { error: (issue) => (issue.code === 'invalid_union' ? `one of ${TYPES.join(', ')}` : BACKOFF) },
);
