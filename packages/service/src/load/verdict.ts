import { formatCount, formatMs, formatRate } from './format.ts';
import type { LoadFigures } from './figures.ts';

/** A lag of sends from which on the generator may be to blame for what it measured. */
export const NOTICEABLE_LATE_MS = 10;

/** The outcome of a run in one line. */
export function verdictOn(figures: LoadFigures): string {
  const { latencyMs, goodputPerSecond, sent } = figures;
  const parts = [
    latencyMs.success
      ? `goodput ${formatRate(goodputPerSecond)} ${measureOf(figures)}`
      : `no request succeeded, of ${formatCount(sent)} sent`,
    latencyMs.refusal
      ? `${formatRate(figures.refusedPerSecond)} refused in ${formatMs(latencyMs.refusal.p50)} at p50`
      : '',
    latencyMs.other ? `${formatCount(latencyMs.other.count)} with another status` : '',
    errorsOf(figures),
    figures.unfinished > 0 ? `${formatCount(figures.unfinished)} unfinished` : '',
  ];
  return parts.filter((part) => part !== '').join('; ');
}

/** What to know before believing the figures. */
export function notesOn(figures: LoadFigures): readonly string[] {
  const { shape, lateMs, dropped, interrupted } = figures;
  const notes: string[] = [];
  if (interrupted)
    notes.push('The run was ended early: rates are over the time in which requests were sent.');
  if (shape.loop === 'closed') {
    notes.push(
      'A closed loop hides stalls: while the server stands still, nothing is sent that would have to wait. For latencies under load use --rate.',
    );
  } else if (dropped.inFlightLimit > 0) {
    notes.push(
      `${formatCount(dropped.inFlightLimit)} requests were due but not sent: ${formatCount(shape.maxInFlight)} were already outstanding (--max-in-flight).`,
    );
  }
  if (dropped.outOfTime > 0) {
    notes.push(
      `${formatCount(dropped.outOfTime)} requests were due but not sent: the run was over before the generator came to them.`,
    );
  }
  if (lateMs && lateMs.p99 >= NOTICEABLE_LATE_MS) {
    notes.push(
      `The generator itself fell behind: sends lagged by ${formatMs(lateMs.p99)} at p99, ${formatMs(lateMs.max)} at most. Latencies include that lag; do not blame the server for it. Lower --rate, or give the generator a core of its own.`,
    );
  }
  return notes;
}

function measureOf({ shape, offeredPerSecond }: LoadFigures): string {
  return shape.loop === 'open'
    ? `of ${formatRate(offeredPerSecond)} offered`
    : `with ${formatCount(shape.connections)} outstanding`;
}

function errorsOf({ errors }: LoadFigures): string {
  const kinds = Object.entries(errors).sort(([, a], [, b]) => b - a);
  const [most] = kinds;
  if (!most) return '';
  const total = kinds.reduce((sum, [, count]) => sum + count, 0);
  return kinds.length === 1
    ? `${formatCount(total)} failed: ${most[0]}`
    : `${formatCount(total)} failed, most by: ${most[0]}`;
}
