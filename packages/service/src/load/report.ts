import type { LogLinearHistogram } from '@sluice/core';
import type { Answers } from './answers.ts';
import type { LoadCollector } from './collector.ts';
import type { LatencySummary, LoadFigures, LoadReport } from './figures.ts';
import type { LoadPlan } from './plan.ts';
import { notesOn, verdictOn } from './verdict.ts';

export interface ReportInput {
  readonly plan: LoadPlan;
  readonly collector: LoadCollector;
  readonly elapsedMs: number;
  /** When the run was ended early, in ms after its start. */
  readonly interruptedMs: number | undefined;
  readonly peakInFlight: number;
}

/** The report of a run that is over. Plain data: as JSON it is whole. */
export function buildReport(input: ReportInput): LoadReport {
  const figures = figuresOf(input);
  return { ...figures, verdict: verdictOn(figures), notes: notesOn(figures) };
}

function figuresOf({
  plan,
  collector,
  elapsedMs,
  interruptedMs,
  peakInFlight,
}: ReportInput): LoadFigures {
  const { success, refusal, other } = collector.answers;
  const sendingMs = Math.min(plan.durationMs, interruptedMs ?? Infinity);
  const perSecond = (count: number): number =>
    sendingMs > 0 ? rounded((count * 1000) / sendingMs) : 0;
  const rate = (answers: Answers): number => perSecond(answers.inWindow);
  return {
    method: plan.method,
    url: plan.url.href,
    shape: plan.shape,
    durationMs: plan.durationMs,
    timeoutMs: plan.timeoutMs,
    elapsedMs: rounded(elapsedMs),
    interrupted: interruptedMs !== undefined,
    offered: collector.offered,
    sent: collector.sent,
    dropped: {
      inFlightLimit: collector.dropped['in-flight-limit'],
      outOfTime: collector.dropped['out-of-time'],
    },
    unfinished: collector.unfinished,
    peakInFlight,
    offeredPerSecond: perSecond(collector.offered),
    goodputPerSecond: rate(success),
    refusedPerSecond: rate(refusal),
    statuses: Object.fromEntries(collector.statuses),
    errors: Object.fromEntries(collector.errors),
    latencyMs: {
      success: summaryOf(success.latencyMs),
      refusal: summaryOf(refusal.latencyMs),
      other: summaryOf(other.latencyMs),
    },
    lateMs: summaryOf(collector.lateMs),
  };
}

function summaryOf(histogram: LogLinearHistogram): LatencySummary | null {
  if (histogram.count === 0) return null;
  const at = (share: number): number => rounded(histogram.percentile(share));
  return {
    count: histogram.count,
    mean: rounded(histogram.mean),
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    p999: at(0.999),
    max: rounded(histogram.max),
  };
}

/** To the microsecond, or to a thousandth of a request. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
