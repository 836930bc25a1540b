import { pino, type Logger } from 'pino';
import { expect, test } from 'vitest';

import { flushLog, logError } from './logger.ts';

function collecting(): { logger: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as never);
  return { logger: pino({ base: null }, { write }), lines };
}

test('an error is logged with its fields, its message and its stack', () => {
  const { logger, lines } = collecting();
  logError(logger, { requestId: 'r1' }, new Error('down'), 'it failed');
  expect(lines).toMatchObject([
    {
      level: 50,
      requestId: 'r1',
      msg: 'it failed',
      err: { message: 'down', stack: expect.any(String) as string },
    },
  ]);
});

test('an error that cannot be read is logged without itself', () => {
  const { logger, lines } = collecting();
  const unreadable = Object.defineProperty(new Error('down'), 'detail', {
    enumerable: true,
    get: () => {
      throw new Error('not for you');
    },
  });
  logError(logger, { requestId: 'r1' }, unreadable, 'it failed');
  expect(lines).toMatchObject([
    { level: 50, requestId: 'r1', msg: 'it failed; it cannot be shown' },
  ]);
});

test('flushing resolves also for a logger that holds nothing back', async () => {
  await expect(flushLog(collecting().logger)).resolves.toBeUndefined();
});
