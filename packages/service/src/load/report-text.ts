import {
  formatCount,
  formatMs,
  formatNumber,
  formatRate,
  formatTable,
  formatTime,
} from './format.ts';
import type { LatencySummary, LoadFigures, LoadReport } from './figures.ts';

/** The report for people: what was asked for, counts, latencies, and the verdict as the last line. */
export function renderReport(report: LoadReport): string {
  return [
    `${headingOf(report)}\n`,
    formatTable(requestRows(report)),
    formatTable(outcomeRows(report)),
    formatTable(latencyRows(report)),
    report.notes.map((note) => `${note}\n`).join(''),
    `${report.verdict}\n`,
  ]
    .filter((section) => section !== '')
    .join('\n');
}

/** The report for programs: {@link LoadReport}, indented. */
export function renderJson(report: LoadReport): string {
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

function headingOf({ method, url, shape, durationMs }: LoadFigures): string {
  const load =
    shape.loop === 'open'
      ? `open loop, ${formatRate(shape.ratePerSecond)} ${shape.arrivals}`
      : `closed loop, ${formatCount(shape.connections)} outstanding`;
  return `${method} ${url}: ${load}, ${formatTime(durationMs)}`;
}

function requestRows(report: LoadFigures): readonly string[][] {
  const { dropped, lateMs } = report;
  const rows = [
    ['offered', formatCount(report.offered), formatRate(report.offeredPerSecond)],
    ['sent', formatCount(report.sent)],
    ['dropped', formatCount(dropped.inFlightLimit + dropped.outOfTime)],
    ['most in flight', formatCount(report.peakInFlight)],
  ];
  if (lateMs) rows.push(['late', `p99 ${formatMs(lateMs.p99)}`, `max ${formatMs(lateMs.max)}`]);
  return rows;
}

function outcomeRows({ statuses, errors, unfinished }: LoadFigures): readonly string[][] {
  const rows = [...Object.entries(statuses), ...Object.entries(errors)];
  if (unfinished > 0) rows.push(['unfinished', unfinished]);
  if (rows.length === 0) return [];
  return [['outcome', 'count'], ...rows.map(([name, count]) => [name, formatCount(count)])];
}

function latencyRows({ latencyMs }: LoadFigures): readonly string[][] {
  const rows = [
    ['success', latencyMs.success],
    ['refused (429, 503)', latencyMs.refusal],
    ['other status', latencyMs.other],
  ] as const;
  const given = rows.flatMap(([name, summary]) => (summary ? [[name, ...cellsOf(summary)]] : []));
  if (given.length === 0) return [];
  return [['latency in ms', 'count', 'p50', 'p90', 'p95', 'p99', 'p99.9', 'max'], ...given];
}

function cellsOf({ count, p50, p90, p95, p99, p999, max }: LatencySummary): readonly string[] {
  return [formatCount(count), ...[p50, p90, p95, p99, p999, max].map(formatNumber)];
}
