import { bucketOf, BUCKETS, SCALE_END, SCALE_START } from './log-linear-buckets.ts';

/** All that a histogram knows. */
export interface HistogramContent {
  readonly buckets: Uint32Array;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** Values below the scale. */
  readonly underflow: number;
  /** Values above the scale, counted in the last bucket. */
  readonly clamped: number;
  /** Values that a full bucket could not count. */
  readonly saturated: number;
  readonly invalid: number;
}

const VERSION = 'llh1';
const FIELDS = 9;
/** More than the longest text there is: every bucket in use, with ten digits and a comma. */
const MAX_LENGTH = 32_768;
const MAX_BUCKET_COUNT = 2 ** 32 - 1;

/**
 * Writes a histogram as `llh1;sum;min;max;underflow;clamped;saturated;invalid;buckets`. Buckets are
 * counts with commas between; `gap:count` skips `gap` empty buckets first. Numbers are the shortest
 * decimals that read back as the same doubles, so nothing is lost.
 */
export function formatHistogram(content: HistogramContent): string {
  const { sum, min, max, underflow, clamped, saturated, invalid } = content;
  const fields = [VERSION, sum, min, max, underflow, clamped, saturated, invalid];
  return [...fields, formatBuckets(content.buckets)].join(';');
}

/**
 * Reads what {@link formatHistogram} wrote, and nothing else: each histogram has one text, and text
 * whose counts contradict each other is refused. O(length), which is bounded.
 * @throws SyntaxError
 */
export function parseHistogram(text: string): HistogramContent {
  if (typeof text !== 'string') throw refusal(`it must be a string, got ${typeof text}`);
  if (text.length > MAX_LENGTH) throw refusal(`${text.length} characters are too many`);
  const fields = text.split(';');
  if (fields[0] !== VERSION) throw refusal(`it must start with "${VERSION};"`);
  if (fields.length !== FIELDS)
    throw refusal(`it must have ${FIELDS} fields, got ${fields.length}`);
  const content: HistogramContent = {
    sum: parseValue('sum', fields[1]!),
    min: parseValue('min', fields[2]!),
    max: parseValue('max', fields[3]!),
    underflow: parseCount('underflow', fields[4]!),
    clamped: parseCount('clamped', fields[5]!),
    saturated: parseCount('saturated', fields[6]!),
    invalid: parseCount('invalid', fields[7]!),
    buckets: parseBuckets(fields[8]!),
  };
  const contradiction = contradictionIn(content);
  if (contradiction !== undefined) throw refusal(contradiction);
  return content;
}

function formatBuckets(buckets: Uint32Array): string {
  const entries: string[] = [];
  let gap = 0;
  for (const count of buckets) {
    if (count > 0) entries.push(gap > 0 ? `${gap}:${count}` : `${count}`);
    gap = count > 0 ? 0 : gap + 1;
  }
  return entries.join(',');
}

function parseBuckets(text: string): Uint32Array {
  const buckets = new Uint32Array(BUCKETS);
  if (text === '') return buckets;
  let bucket = 0;
  for (const entry of text.split(',')) {
    const match = /^(?:([1-9]\d{0,3}):)?([1-9]\d{0,9})$/.exec(entry);
    if (match === null) throw refusal(`${quote(entry)} is no count of a bucket`);
    const count = Number(match[2]);
    bucket += Number(match[1] ?? 0);
    if (bucket >= BUCKETS) throw refusal(`it has more than ${BUCKETS} buckets`);
    if (count > MAX_BUCKET_COUNT) throw refusal(`a bucket cannot hold ${count}`);
    buckets[bucket++] = count;
  }
  return buckets;
}

function parseValue(name: string, text: string): number {
  const value = Number(text);
  // One way to write each number; it also keeps out '', '0x1' and ' 1', which Number reads.
  if (String(value) === text && value >= 0 && value < Infinity) return value;
  throw refusal(`${name} must be a finite number of 0 or more, got ${quote(text)}`);
}

function parseCount(name: string, text: string): number {
  const value = parseValue(name, text);
  if (Number.isSafeInteger(value)) return value;
  throw refusal(`${name} must be an integer, got ${quote(text)}`);
}

function contradictionIn(content: HistogramContent): string | undefined {
  const { buckets, sum, min, max, underflow, clamped, saturated } = content;
  const held = buckets.reduce((total, count) => total + count, underflow);
  const lastCount = buckets[BUCKETS - 1]!;
  if (!Number.isSafeInteger(held + saturated)) return 'it counts more values than can be counted';
  if (held + saturated === 0) {
    return sum + min + max === 0
      ? undefined
      : 'sum, min and max must be 0 where nothing is counted';
  }
  if (min > max) return 'min must not exceed max';
  if (underflow > 0 !== min < SCALE_START) return 'underflow and min disagree';
  if (clamped > 0 !== max >= SCALE_END) return 'clamped and max disagree';
  if (clamped > lastCount + saturated) return 'clamped counts more than the last bucket does';
  return edgesAgree(content) ? undefined : 'the buckets disagree with min and max';
}

/** Whether the buckets in use lie from min to max and, where none lost a value, reach to both. */
function edgesAgree({ buckets, min, max, saturated }: HistogramContent): boolean {
  const lowest = Math.max(0, Math.min(bucketOf(min), BUCKETS - 1));
  const highest = Math.min(bucketOf(max), BUCKETS - 1);
  const first = buckets.findIndex((count) => count > 0);
  const last = buckets.findLastIndex((count) => count > 0);
  if (first === -1) return saturated > 0 || highest < 0;
  if (first < lowest || last > highest) return false;
  return saturated > 0 || (last === highest && (first === lowest || bucketOf(min) < 0));
}

function quote(text: string): string {
  return JSON.stringify(text.length > 20 ? `${text.slice(0, 20)}…` : text);
}

function refusal(why: string): SyntaxError {
  return new SyntaxError(`LogLinearHistogram: the text is not a histogram: ${why}.`);
}
