import { expect, test } from 'vitest';
import { sizesOf } from './bench.ts';
import { parseCommand } from './command.ts';
import { FULL } from './harness/contest.ts';
import { TRIAL_FULL } from './harness/trial.ts';
import { HTTP_FULL } from './http/http-contest.ts';

test('without arguments every subject is measured at full size', () => {
  const command = parseCommand([]);
  expect(command.names).toEqual([]);
  expect(sizesOf(command)).toEqual({
    operation: FULL,
    http: HTTP_FULL,
    trial: TRIAL_FULL,
  });
});

test('the command line changes the size', () => {
  const command = parseCommand([
    'pool',
    '--rounds',
    '3',
    '--round-ms',
    '50',
    '--requests',
    '900',
    '--no-memory',
  ]);
  const { operation, http, trial } = sizesOf(command);
  expect(command.names).toEqual(['pool']);
  expect(operation).toEqual({ ...FULL, rounds: 3, roundMs: 50, memory: false });
  expect(trial).toEqual({ ...TRIAL_FULL, rounds: 3, windowMs: 50 });
  expect(http).toEqual({ ...HTTP_FULL, rounds: 3, requests: 900, idleConnections: 0 });
});

test.each([
  [['--rounds', '0'], '--rounds must be an integer of at least 1, got 0'],
  [['--round-ms', 'long'], '--round-ms must be an integer of at least 1, got long'],
  [['--isolation', 'thread'], '--isolation must be process or none, got thread'],
  [['--smoke', '--strict'], '--strict judges figures'],
  [['--fast'], '--fast'],
])('%j is refused with a reason', (args, reason) => {
  expect(() => parseCommand(args)).toThrow(reason);
});
