import { createHistogram } from 'node:perf_hooks';
import { LogLinearHistogram, MetricsCollector } from '@sluice/core';
import { build, initWebAssembly } from 'hdr-histogram-js';
import { Histogram, Registry } from 'prom-client';
import type { OperationSubject, Running, Subject } from '../harness/subject.ts';

const COUNT = 4096;

/** Durations in µs, from 1 µs to 10 s, as many in each octave, in an order that no branch predictor learns. */
const micros: readonly number[] = Array.from({ length: COUNT }, (_, i) =>
  Math.round(10 ** ((((i * 2741) % COUNT) / COUNT) * 7)),
);
const millis = Float64Array.from(micros, (value) => value / 1e3);
const seconds = Float64Array.from(micros, (value) => value / 1e6);

/** Records the values in turn. Checksum: by how much the histogram's own count grew. */
function recording(
  values: ArrayLike<number>,
  record: (value: number) => void,
  count: () => number | Promise<number>,
): Running {
  return {
    async run(iterations) {
      const before = await count();
      for (let i = 0; i < iterations; i++) record(values[i & (COUNT - 1)] as number);
      return (await count()) - before;
    },
  };
}

function arrayWrite(): Running {
  const ring = new Float64Array(COUNT);
  let written = 0;
  return recording(
    micros,
    (value) => {
      ring[written & (COUNT - 1)] = value;
      written++;
    },
    () => written,
  );
}

function logLinear(): Running {
  const histogram = new LogLinearHistogram();
  return recording(
    millis,
    (value) => histogram.record(value),
    () => histogram.count,
  );
}

function collector(): Running {
  const metrics = new MetricsCollector();
  return recording(
    millis,
    (value) => metrics.record(value, true),
    () => metrics.durations.count,
  );
}

async function hdr(useWebAssembly: boolean): Promise<Running> {
  if (useWebAssembly) await initWebAssembly();
  const histogram = build({
    useWebAssembly,
    highestTrackableValue: 1e8,
    numberOfSignificantValueDigits: 2,
  });
  return recording(
    micros,
    (value) => histogram.recordValue(value),
    () => histogram.totalCount,
  );
}

function promClient(): Running {
  const options = { name: 'duration_seconds', help: 'Duration', registers: [new Registry()] };
  const histogram = new Histogram(options);
  const count = async (): Promise<number> => {
    const { values } = await histogram.get();
    return values.find(({ metricName }) => metricName === 'duration_seconds_count')?.value ?? 0;
  };
  return recording(seconds, (value) => histogram.observe(value), count);
}

function perfHooks(): Running {
  const histogram = createHistogram();
  return recording(
    micros,
    (value) => histogram.record(value),
    () => histogram.count,
  );
}

const record: OperationSubject = {
  kind: 'operation',
  url: import.meta.url,
  name: 'histogram',
  title: 'Histogram',
  operation: 'one duration between 1 µs and 10 s is recorded',
  checksum: (iterations) => iterations,
  contenders: [
    { name: 'array write', kind: 'floor', setup: arrayWrite },
    { name: 'sluice LogLinearHistogram', kind: 'sluice', setup: logLinear },
    { name: 'sluice MetricsCollector', kind: 'sluice', setup: collector },
    { name: 'hdr-histogram-js', kind: 'peer', setup: () => hdr(false) },
    { name: 'hdr-histogram-js, WebAssembly', kind: 'peer', setup: () => hdr(true) },
    { name: 'perf_hooks createHistogram', kind: 'peer', setup: perfHooks },
    { name: 'prom-client, no labels', kind: 'peer', setup: promClient },
  ],
  limits: [
    { contender: 'sluice LogLinearHistogram', of: 'figure', max: 6 },
    { contender: 'sluice LogLinearHistogram', of: 'bytes', max: 0 },
  ],
  notes: [
    'prom-client records into its 11 default buckets, the others into hundreds or thousands.',
  ],
};

export const subjects: readonly Subject[] = [record];
