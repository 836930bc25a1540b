import type { LogLinearHistogram } from '@sluice/core';
import { collectDefaultMetrics, Registry } from '@prometheus-io/client';

import { metricFamilies, type Family, type MetricSources, type Sample } from './metric-families.ts';

interface ExportedValue {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}

/**
 * The service's metrics in Prometheus' text format. Nothing is counted here: each scrape reads what the
 * parts have counted.
 */
export function createRegistry(sources: MetricSources): Registry {
  const registry = new Registry();
  for (const metric of processMetrics().getMetricsAsArray())
    registry.registerMetric(metric as never);
  for (const family of metricFamilies(sources)) {
    registry.registerMetric(exported(family) as never);
  }
  return registry;
}

let ofProcess: Registry | undefined;

/** Node's own metrics. Made once: they have a timer and an observer that nothing takes away again. */
function processMetrics(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  return ofProcess;
}

/** The shape that the registry asks its metrics for. */
function exported(family: Family): object {
  const { name, help, type } = family;
  return {
    name,
    help,
    type,
    aggregator: 'sum',
    reset: () => undefined,
    get: async () => ({ name, help, type, aggregator: 'sum', values: valuesOf(family) }),
  };
}

function valuesOf({ name, read }: Family): readonly ExportedValue[] {
  return read().flatMap((sample) =>
    typeof sample.value === 'number'
      ? [{ value: sample.value, labels: sample.labels }]
      : bucketsOf(name, sample.value, sample),
  );
}

/** Upper bounds in seconds: Prometheus' defaults, and finer ones below 5 ms. */
const BOUNDS_SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const;

function bucketsOf(
  name: string,
  histogram: LogLinearHistogram,
  { labels }: Sample,
): readonly ExportedValue[] {
  const buckets = BOUNDS_SECONDS.map((le) => ({
    metricName: `${name}_bucket`,
    labels: { ...labels, le },
    value: histogram.countAtOrBelow(le * 1000),
  }));
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: histogram.count },
    { metricName: `${name}_sum`, labels, value: histogram.sum / 1000 },
    { metricName: `${name}_count`, labels, value: histogram.count },
  ];
}
