import type { Limit } from './subject.ts';
import type { SubjectResult, Verdict } from './result.ts';
import type { Spread } from './statistics.ts';

/** A subject's result in Markdown, padded so that it reads well in a terminal too. */
export function renderResult(result: SubjectResult): string {
  const { title, operation, notes = [] } = result.subject;
  const parts = [`## ${title}`, `One operation: ${operation}.`, renderTable(result)];
  if (result.verdicts.length > 0) parts.push(result.verdicts.map(renderVerdict).join('\n'));
  if (notes.length > 0) parts.push(notes.map((note) => `- ${note}`).join('\n'));
  return parts.join('\n\n');
}

/** A count with about three significant digits, grouped in thousands. */
export function renderNumber(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

function renderTable({ rows, units }: SubjectResult): string {
  const further = [...new Set(rows.flatMap((row) => Object.keys(row.further ?? {})))];
  const head = [
    'contender',
    '',
    units.figure,
    'min–max',
    units.bytes,
    ...further,
    '× floor',
    '× sluice',
  ];
  const body = rows.map((row) => [
    row.name,
    row.kind,
    renderNumber(row.figure.median),
    renderEnds(row.figure),
    optional(row.bytes),
    ...further.map((column) => optional(row.further?.[column])),
    optional(row.toFloor),
    optional(row.toSluice),
  ]);
  const measured = head.map((_, column) => body.some((cells) => cells[column] !== ''));
  const kept = [head, ...body].map((cells) => cells.filter((_, column) => measured[column]));
  return align(kept);
}

/** First two columns to the left, the numbers to the right. */
function align(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(3, ...lines.map((cells) => cells[column]?.length ?? 0)),
  );
  const rule = widths.map((width, column) =>
    column < 2 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  const pad = (cell: string, column: number): string =>
    column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  const [head = [], ...body] = lines.map((cells) => cells.map(pad));
  return [head, rule, ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function renderVerdict({ limit, against, actual, met }: Verdict): string {
  const measured =
    actual === undefined ? 'not measured' : `${renderNumber(actual)}, ${met ? 'met' : 'NOT MET'}`;
  return `Limit: ${limit.contender} ${renderLimit(limit, against)}: ${measured}.`;
}

function renderLimit(limit: Limit, against: string | undefined): string {
  const max = `≤ ${Number(limit.max.toPrecision(3))}`;
  if (limit.of === 'column') return `${limit.column} ${max}`;
  if (limit.of !== 'ratio') return limit.of === 'bytes' ? `${max} B` : max;
  const { to } = limit;
  return `${max} × ${typeof to === 'string' ? to : `the best of ${to.length}, ${against}`}`;
}

const renderEnds = ({ min, max }: Spread): string => `${renderNumber(min)}–${renderNumber(max)}`;

const optional = (value: number | undefined): string =>
  value === undefined ? '' : renderNumber(value);
