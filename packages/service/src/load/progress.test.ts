import { expect, test } from 'vitest';
import { LoadInterval } from './interval.ts';
import { progressLine, ProgressWriter } from './progress.ts';

function written(output: { isTTY?: boolean; columns?: number }, lines: string[]): string[] {
  const texts: string[] = [];
  const writer = new ProgressWriter({ ...output, write: (text: string) => texts.push(text) });
  for (const line of lines) writer.write(line);
  writer.end();
  return texts;
}

test('a line of progress tells of the last second', () => {
  const interval = new LoadInterval();
  interval.offered = 2000;
  interval.dropped = 5;
  interval.errors = 2;
  interval.lateMs = 40;
  interval.addAnswer(503, 'refusal', 1);
  for (let i = 0; i < 200; i++) interval.addAnswer(200, 'success', 112);
  const line = progressLine({ elapsedMs: 3004, intervalMs: 2000, inFlight: 12, interval });
  expect(line).toBe(
    '   3 s  offered 1,000/s  goodput 100/s  in flight 12  200: 200  503: 1  errors: 2  dropped: 5  late: 40 ms  p50 112 ms, p99 112 ms',
  );
});

test('a line of progress without answers has no latencies', () => {
  const interval = new LoadInterval();
  const line = progressLine({ elapsedMs: 1000, intervalMs: 1000, inFlight: 0, interval });
  expect(line).toBe('   1 s  offered 0/s  goodput 0/s  in flight 0');
});

test('on a terminal, progress is written over itself and never wraps', () => {
  expect(written({ isTTY: true, columns: 6 }, ['abcdefgh', 'xy'])).toEqual([
    '\rabcde\u001b[K',
    '\rxy\u001b[K',
    '\n',
  ]);
});

test('anywhere else, progress is plain lines', () => {
  expect(written({}, ['one', 'two'])).toEqual(['one\n', 'two\n']);
});
