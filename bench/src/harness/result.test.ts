import { expect, test } from 'vitest';
import { resultOf, type Measured } from './result.ts';
import type { Limit, OperationSubject } from './subject.ts';
import { renderNumber, renderResult } from './table.ts';
import { subjectOf } from './testing/subjects.ts';

const units = { figure: 'ns/op', bytes: 'B/op' };

const measured: readonly Measured[] = [
  { name: 'floor', kind: 'floor', samples: [10, 20, 10], bytes: 0 },
  { name: 'ours', kind: 'sluice', samples: [15, 30, 15], bytes: 0.04 },
  { name: 'theirs', kind: 'peer', samples: [150, 300, 150], bytes: 1832 },
];

const judged = (...limits: Limit[]): OperationSubject => ({ ...subjectOf('judged', []), limits });

test('every contender is compared with the floor and with sluice', () => {
  const { rows } = resultOf(judged(), units, measured);
  expect(rows.map(({ toFloor }) => toFloor)).toEqual([1, 1.5, 15]);
  expect(rows.map(({ toSluice }) => toSluice)).toEqual([10 / 15, 1, 10]);
});

test('a subject without a floor or without sluice has no such ratio', () => {
  const { rows } = resultOf(judged(), units, measured.slice(2));
  expect(rows[0]).toMatchObject({ toFloor: undefined, toSluice: undefined });
});

test('a limit is judged by the median, by bytes to a tenth, or by the ratio to another contender', () => {
  const subject = judged(
    { contender: 'ours', of: 'figure', max: 15 },
    { contender: 'ours', of: 'figure', max: 14.9 },
    { contender: 'ours', of: 'bytes', max: 0 },
    { contender: 'ours', of: 'ratio', to: 'floor', max: 1.4 },
    { contender: 'ours', of: 'ratio', to: 'theirs', max: 0.1 },
  );
  const { verdicts } = resultOf(subject, units, measured);
  expect(verdicts.map(({ met }) => met)).toEqual([true, false, true, false, true]);
});

test('a limit on what was not measured is neither met nor broken', () => {
  const limit: Limit = { contender: 'ours', of: 'bytes', max: 0 };
  const { verdicts } = resultOf(judged(limit), units, [
    { name: 'ours', kind: 'sluice', samples: [1] },
  ]);
  expect(verdicts).toEqual([{ limit, actual: undefined, met: undefined }]);
});

test('a limit beside several contenders is judged by the best of them, and says which it was', () => {
  const samples = [200, 100, 200];
  const better: Measured = { name: 'better', kind: 'peer', samples: [100, 200, 100] };
  const limit: Limit = {
    contender: 'ours',
    of: 'ratio',
    to: ['theirs', 'better', 'absent'],
    max: 0.1,
  };
  const result = resultOf(judged(limit), units, [
    ...measured,
    better,
    { name: 'slow', kind: 'peer', samples },
  ]);
  expect(result.verdicts).toEqual([{ limit, against: 'better', actual: 0.15, met: false }]);
  expect(renderResult(result)).toContain(
    'Limit: ours ≤ 0.1 × the best of 3, better: 0.15, NOT MET.',
  );
});

test('a limit on a further column is judged by its median', () => {
  const limit: Limit = { contender: 'ours', of: 'column', column: 'p99 ms', max: 60 };
  const ours: Measured = { name: 'ours', kind: 'sluice', samples: [1], further: { 'p99 ms': 59 } };
  const result = resultOf(judged(limit), units, [ours]);
  expect(renderResult(result)).toContain('Limit: ours p99 ms ≤ 60: 59.0, met.');
});

test('a limit that is a fraction is shown with three digits', () => {
  const limit: Limit = { contender: 'ours', of: 'ratio', to: 'theirs', max: 1 / 3 };
  const text = renderResult(resultOf(judged(limit), units, measured));
  expect(text).toContain('Limit: ours ≤ 0.333 × theirs: 0.10, met.');
});

test('a result reads as a Markdown table with its limits beside it', () => {
  const subject = judged({ contender: 'ours', of: 'ratio', to: 'floor', max: 1.4 });
  expect(renderResult(resultOf(subject, units, measured))).toBe(`## judged

One operation: nothing happens.

| contender |        | ns/op |   min–max |  B/op | × floor | × sluice |
| --------- | ------ | ----: | --------: | ----: | ------: | -------: |
| floor     | floor  |  10.0 | 10.0–20.0 |  0.00 |    1.00 |     0.67 |
| ours      | sluice |  15.0 | 15.0–30.0 |  0.04 |    1.50 |     1.00 |
| theirs    | peer   |   150 |   150–300 | 1,832 |    15.0 |     10.0 |

Limit: ours ≤ 1.4 × floor: 1.50, NOT MET.`);
});

test('a column that nobody filled is left out', () => {
  const withoutBytes = measured.map(({ name, kind, samples }) => ({ name, kind, samples }));
  expect(renderResult(resultOf(judged(), units, withoutBytes))).not.toContain('B/op');
});

test('numbers have about three significant digits', () => {
  expect([0.5, 3.456, 12.34, 123.4, 1234.5].map(renderNumber)).toEqual([
    '0.50',
    '3.46',
    '12.3',
    '123',
    '1,235',
  ]);
});
