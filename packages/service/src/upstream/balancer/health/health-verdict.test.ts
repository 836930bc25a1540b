import { expect, test } from 'vitest';

import { HealthVerdict } from './health-verdict.ts';

const THRESHOLDS = { healthyAfter: 2, unhealthyAfter: 3 };

test.each([
  { results: '', is: undefined },
  { results: '+', is: true },
  { results: '-', is: false },
  { results: '+--', is: true },
  { results: '+---', is: false },
  { results: '+--+--', is: true },
  { results: '-+', is: false },
  { results: '-++', is: true },
  { results: '-+-+', is: false },
  { results: '+---++---', is: false },
])(
  'the first result decides, then a row of them: after "$results" it is $is',
  ({ results, is }) => {
    const verdict = new HealthVerdict();
    for (const result of results) verdict.record(result === '+', THRESHOLDS);
    expect(verdict.isHealthy).toBe(is);
  },
);
