import { expect, test } from 'vitest';

import { resolveConfig, type LimiterConfig, type ResolvedLimiter } from '../config/index.ts';
import { limitText } from './limit-text.ts';

function resolved(limiter: LimiterConfig): ResolvedLimiter {
  const result = resolveConfig({ limiters: { public: limiter } });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config.limiters['public'] as ResolvedLimiter;
}

test.each<[LimiterConfig, string]>([
  [{ ratePerSecond: 2.5 }, '2.5/s (burst 3)'],
  [{ ratePerSecond: 100, capacity: 200, key: 'ip' }, '100/s (burst 200) per ip'],
  [
    { algorithm: 'sliding-log', limit: 5, windowMs: 3_600_000, key: 'apiKey' },
    '5 per h per API key',
  ],
  [{ algorithm: 'sliding-window', limit: 5, windowMs: 90_000 }, '5 per 90 s'],
  [
    { algorithm: 'sliding-window', limit: 5, windowMs: 1500, key: { header: 'X-Tenant' } },
    '5 per 1500 ms per X-Tenant',
  ],
])('the limit %j reads as %s', (config, text) => {
  expect(limitText(resolved(config))).toBe(text);
});
