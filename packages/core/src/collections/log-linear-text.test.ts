import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LogLinearHistogram } from './log-linear-histogram.ts';

function histogramOf(values: readonly number[]): LogLinearHistogram {
  const histogram = new LogLinearHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

/** The histogram read, or the SyntaxError that refused it; any other error passes. */
function parseOrRefusal(text: string): LogLinearHistogram | SyntaxError {
  try {
    return LogLinearHistogram.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return error;
    throw error;
  }
}

const anyValue = fc.oneof(
  fc.double({ min: -12, max: 32, noNaN: true }).map((exponent) => 2 ** exponent),
  fc.double({ min: 0, noDefaultInfinity: true, noNaN: true }),
  fc.constantFrom(0, -1, NaN, Infinity),
);

test('the text of a histogram names its version, its exact numbers and its buckets in use', () => {
  expect(String(new LogLinearHistogram())).toBe('llh1;0;0;0;0;0;0;0;');
  expect(String(histogramOf([1, 1, 1.02, 2, 0, NaN]))).toBe('llh1;5.02;0;2;1;0;0;1;640:2,1,62:1');
});

test('a histogram that is written and read back is the same in every number', () => {
  fc.assert(
    fc.property(fc.array(anyValue), fc.array(anyValue, { maxLength: 3 }), (values, later) => {
      const written = histogramOf(values);
      const read = LogLinearHistogram.parse(written.toString());
      expect(read.toString()).toBe(written.toString());
      for (const name of ['count', 'sum', 'mean', 'min', 'max', 'clamped', 'invalid'] as const) {
        expect(read[name]).toBe(written[name]);
      }
      const ratios = [0, 0.5, 0.99, 1];
      expect(read.percentiles(ratios)).toEqual(written.percentiles(ratios));
      for (const value of later) for (const histogram of [read, written]) histogram.record(value);
      expect(read.count).toBe(written.count);
      expect([read.min, read.max]).toEqual([written.min, written.max]);
    }),
  );
});

test('the longest text, of every bucket at its limit, can be read back', () => {
  const full = new LogLinearHistogram();
  for (let octave = -10; octave < 30; octave++) {
    for (let part = 0; part < 64; part++) {
      full.recordMany(2 ** octave * (1 + part / 64), 2 ** 32 + 5);
    }
  }
  expect(full.saturated).toBe(2560 * 6);
  expect(LogLinearHistogram.parse(full.toString()).toString()).toBe(full.toString());
});

test.each([
  { text: '', why: 'it must start with "llh1;"' },
  { text: 'llh2;0;0;0;0;0;0;0;', why: 'it must start with "llh1;"' },
  { text: 'llh1;0;0;0;0;0;0;0', why: 'it must have 9 fields, got 8' },
  { text: 'llh1;0;0;0;0;0;0;0;;', why: 'it must have 9 fields, got 10' },
  { text: 'llh1;-1;1;1;0;0;0;0;640:1', why: 'sum must be a finite number of 0 or more, got "-1"' },
  {
    text: 'llh1;1;NaN;1;0;0;0;0;640:1',
    why: 'min must be a finite number of 0 or more, got "NaN"',
  },
  {
    text: 'llh1;1;1;Infinity;0;0;0;0;640:1',
    why: 'max must be a finite number of 0 or more, got "Infinity"',
  },
  {
    text: 'llh1;0x1;1;1;0;0;0;0;640:1',
    why: 'sum must be a finite number of 0 or more, got "0x1"',
  },
  { text: 'llh1;;1;1;0;0;0;0;640:1', why: 'sum must be a finite number of 0 or more, got ""' },
  { text: 'llh1;0;0;0;0.5;0;0;0;', why: 'underflow must be an integer, got "0.5"' },
  { text: 'llh1;0;0;0;1e+21;0;0;0;', why: 'underflow must be an integer, got "1e+21"' },
  {
    text: `llh1;${'9'.repeat(40)};0;0;0;0;0;0;`,
    why: `sum must be a finite number of 0 or more, got "${'9'.repeat(20)}…"`,
  },
  { text: 'llh1;1;1;1;0;0;0;0;640:x', why: '"640:x" is no count of a bucket' },
  { text: 'llh1;1;1;1;0;0;0;0;640:0', why: '"640:0" is no count of a bucket' },
  { text: 'llh1;1;1;1;0;0;0;0;640:-1', why: '"640:-1" is no count of a bucket' },
  { text: 'llh1;1;1;1;0;0;0;0;0640:1', why: '"0640:1" is no count of a bucket' },
  { text: 'llh1;1;1;1;0;0;0;0;640:1,', why: '"" is no count of a bucket' },
  { text: 'llh1;1;1;1;0;0;0;0;640:4294967296', why: 'a bucket cannot hold 4294967296' },
  { text: 'llh1;1;1;1;0;0;0;0;2560:1', why: 'it has more than 2560 buckets' },
  { text: 'llh1;1;1;1;0;0;0;0;2559:1,1', why: 'it has more than 2560 buckets' },
  {
    text: 'llh1;5;0;0;0;0;0;0;',
    why: 'sum, min and max must be 0 where nothing is counted',
  },
  {
    text: `llh1;0;0;0;${Number.MAX_SAFE_INTEGER};0;1;0;`,
    why: 'it counts more values than can be counted',
  },
  { text: 'llh1;1;2;1;0;0;0;0;640:1', why: 'min must not exceed max' },
  { text: 'llh1;1;1;1;5;0;0;0;640:1', why: 'underflow and min disagree' },
  { text: 'llh1;1;0;1;0;0;0;0;640:1', why: 'underflow and min disagree' },
  { text: 'llh1;1;1;1;0;1;0;0;640:1', why: 'clamped and max disagree' },
  { text: 'llh1;1;1;1e+300;0;0;0;0;640:1', why: 'clamped and max disagree' },
  {
    text: 'llh1;2;1;2000000000;0;2;0;0;640:1,1918:1',
    why: 'clamped counts more than the last bucket does',
  },
  { text: 'llh1;1;1;2;0;0;0;0;640:1', why: 'the buckets disagree with min and max' },
  { text: 'llh1;1;0.5;1;0;0;0;0;640:1', why: 'the buckets disagree with min and max' },
  { text: 'llh1;1;1;1;0;0;0;0;639:1', why: 'the buckets disagree with min and max' },
  { text: 'llh1;1;1;1;0;0;9;0;639:1', why: 'the buckets disagree with min and max' },
  { text: 'llh1;1;0;1;1;0;0;0;', why: 'the buckets disagree with min and max' },
])('the text $text is refused', ({ text, why }) => {
  expect(() => LogLinearHistogram.parse(text)).toThrow(
    new SyntaxError(`LogLinearHistogram: the text is not a histogram: ${why}.`),
  );
});

test('text that is too long, and what is no text, is refused before it is read', () => {
  const long = `llh1;1;1;1;0;0;0;0;${'1,'.repeat(1e6)}1`;
  expect(() => LogLinearHistogram.parse(long)).toThrow(
    new SyntaxError(
      'LogLinearHistogram: the text is not a histogram: 2000020 characters are too many.',
    ),
  );
  for (const foreign of [undefined, null, 7, { length: 1 }, ['llh1']]) {
    expect(() => LogLinearHistogram.parse(foreign as string)).toThrow(SyntaxError);
  }
});

test('text that was tampered with is refused, or is the text of the histogram read from it', () => {
  const character = fc.constantFrom(...'0123456789;:,.e+-x '.split(''));
  const edits = fc.array(fc.tuple(fc.nat(), fc.nat(2), character), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(anyValue, { maxLength: 8 }), edits, (values, tampering) => {
      let text = histogramOf(values).toString();
      for (const [place, removed, added] of tampering) {
        const at = 5 + (place % text.length);
        text = text.slice(0, at) + added + text.slice(at + removed);
      }
      const read = parseOrRefusal(text);
      if (read instanceof SyntaxError) return;
      expect(read.toString()).toBe(text);
      const [low, middle, high] = read.percentiles([0, 0.5, 1]);
      expect(low! <= middle! && middle! <= high!).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
