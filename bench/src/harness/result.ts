import { ratioOf, spreadOf, type Spread } from './statistics.ts';
import type { Kind, Limit, Subject } from './subject.ts';

/** All that was measured of one contender. */
export interface Measured {
  readonly name: string;
  readonly kind: Kind;
  /** The subject's figure, one sample per round. */
  readonly samples: readonly number[];
  /** Heap bytes per operation, or per idle connection of a server. Undefined: not measured. */
  readonly bytes?: number | undefined;
  /** Further figures, by column. */
  readonly further?: Readonly<Record<string, number>>;
}

/** One line of a table. */
export interface Row extends Omit<Measured, 'samples'> {
  readonly figure: Spread;
  /** Multiple of the floor. Undefined without a floor. */
  readonly toFloor: number | undefined;
  /** Multiple of sluice's first contender: above 1, this one costs more. Undefined without one. */
  readonly toSluice: number | undefined;
}

/** A limit and what became of it; both undefined when it was not measured. */
export interface Verdict {
  readonly limit: Limit;
  /** Of a limit beside several contenders, the best of them. */
  readonly against?: string;
  readonly actual: number | undefined;
  readonly met: boolean | undefined;
}

/** Units of a subject's columns. */
export interface Units {
  readonly figure: string;
  readonly bytes: string;
}

export interface SubjectResult {
  readonly subject: Subject;
  readonly units: Units;
  readonly rows: readonly Row[];
  readonly verdicts: readonly Verdict[];
}

/** Compares the contenders of a subject and judges its limits. */
export function resultOf(
  subject: Subject,
  units: Units,
  measured: readonly Measured[],
): SubjectResult {
  const floor = measured.find(({ kind }) => kind === 'floor');
  const sluice = measured.find(({ kind }) => kind === 'sluice');
  const rows = measured.map(({ samples, ...rest }) => ({
    ...rest,
    figure: spreadOf(samples),
    toFloor: floor && ratioOf(samples, floor.samples),
    toSluice: sluice && ratioOf(samples, sluice.samples),
  }));
  const verdicts = (subject.limits ?? []).map((limit) => judge(limit, measured));
  return { subject, units, rows, verdicts };
}

function judge(limit: Limit, measured: readonly Measured[]): Verdict {
  const other = limit.of === 'ratio' ? bestOf(limit.to, measured) : undefined;
  const actual = actualOf(limit, measured, other);
  const verdict = { limit, actual, met: actual === undefined ? undefined : actual <= limit.max };
  const among = limit.of === 'ratio' && typeof limit.to !== 'string';
  return among && other !== undefined ? { ...verdict, against: other.name } : verdict;
}

/** The named contender with the least median. */
function bestOf(
  names: string | readonly string[],
  measured: readonly Measured[],
): Measured | undefined {
  const median = ({ samples }: Measured): number => spreadOf(samples).median;
  return measured
    .filter(({ name }) => (typeof names === 'string' ? name === names : names.includes(name)))
    .toSorted((a, b) => median(a) - median(b))[0];
}

function actualOf(
  limit: Limit,
  measured: readonly Measured[],
  other: Measured | undefined,
): number | undefined {
  const own = measured.find(({ name }) => name === limit.contender);
  if (own === undefined) return undefined;
  if (limit.of === 'figure') return spreadOf(own.samples).median;
  if (limit.of === 'column') return own.further?.[limit.column];
  if (limit.of === 'ratio') return ratioTo(own, other);
  // A tenth of a byte per operation is the runtime's own housekeeping.
  return own.bytes === undefined ? undefined : Math.round(own.bytes * 10) / 10;
}

const ratioTo = (own: Measured, other: Measured | undefined): number | undefined =>
  other && ratioOf(own.samples, other.samples);
