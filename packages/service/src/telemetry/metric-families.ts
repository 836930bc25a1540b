import {
  KeyedLimiter,
  type CircuitBreaker,
  type LogLinearHistogram,
  type RateLimiter,
  type WorkerPool,
} from '@sluice/core';

import type { Endpoints } from './endpoints.ts';

/** One with one limit for all. */
type PlainLimiter = Pick<RateLimiter, 'stats'>;
type Limiters = ReadonlyMap<string, PlainLimiter | KeyedLimiter>;

/** What the metrics are read from. */
export interface MetricSources {
  readonly endpoints: Endpoints;
  readonly activeRequests: () => number;
  readonly limiters: Limiters;
  readonly breakers: ReadonlyMap<string, CircuitBreaker>;
  readonly pools: ReadonlyMap<string, WorkerPool>;
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | LogLinearHistogram;
}

/** One metric with all its series, read when it is asked for. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly read: () => readonly Sample[];
}

/** Every metric of the service but those of the process: one place that says what is exported, and how. */
export function metricFamilies(sources: MetricSources): readonly Family[] {
  return [
    ...httpFamilies(sources),
    ...limiterFamilies(sources.limiters),
    ...breakerFamilies(sources.breakers),
    ...poolFamilies(sources.pools),
  ];
}

function httpFamilies({ endpoints, activeRequests }: MetricSources): readonly Family[] {
  return [
    {
      name: 'http_requests_total',
      help: 'Requests answered, by route pattern and status.',
      type: 'counter',
      read: () =>
        endpoints.all.flatMap(({ method, pattern, statuses }) =>
          [...statuses].map(([status, value]) => ({
            labels: { method, endpoint: pattern, status: String(status) },
            value,
          })),
        ),
    },
    {
      name: 'http_request_duration_seconds',
      help: 'Time from the arrival of a request to the end of its answer.',
      type: 'histogram',
      read: () =>
        endpoints.all.map(({ method, pattern, durations }) => ({
          labels: { method, endpoint: pattern },
          value: durations,
        })),
    },
    {
      name: 'http_server_active_requests',
      help: 'Requests that are being answered.',
      type: 'gauge',
      read: () => [{ labels: {}, value: activeRequests() }],
    },
  ];
}

/** A key is never a label: clients make them up. */
function limiterFamilies(limiters: Limiters): readonly Family[] {
  const of = reader('name', limiters);
  const ofPlain = reader('name', only(limiters, isPlain));
  const ofKeyed = reader('name', only(limiters, isKeyed));
  return [
    counter(
      'sluice_ratelimiter_allowed_total',
      'Calls let in.',
      of((l) => l.stats().allowed),
    ),
    counter(
      'sluice_ratelimiter_rejected_total',
      'Calls refused.',
      of((l) => l.stats().rejected),
    ),
    gauge(
      'sluice_ratelimiter_available_permissions',
      'Permits that could be taken now, of limiters with one limit for all.',
      ofPlain((l) => l.stats().available),
    ),
    gauge(
      'sluice_ratelimiter_waiting',
      'Callers who wait for permits.',
      of((l) => l.stats().waiting),
    ),
    gauge(
      'sluice_ratelimiter_keys',
      'Keys that have a limit of their own now.',
      ofKeyed((l) => l.stats().keys),
    ),
    counter(
      'sluice_ratelimiter_overflowed_total',
      'Calls of keys beyond the most that are held, which share one limit.',
      ofKeyed((l) => l.stats().overflowed),
    ),
    counter(
      'sluice_ratelimiter_evicted_total',
      'Keys forgotten to make room.',
      ofKeyed((l) => l.stats().evicted),
    ),
  ];
}

const isKeyed = (limiter: PlainLimiter | KeyedLimiter): limiter is KeyedLimiter =>
  limiter instanceof KeyedLimiter;
const isPlain = (limiter: PlainLimiter | KeyedLimiter): limiter is PlainLimiter =>
  !isKeyed(limiter);

const STATES = ['closed', 'open', 'half-open', 'forced-open', 'disabled', 'metrics-only'] as const;
const KINDS = ['succeeded', 'failed', 'ignored'] as const;

function breakerFamilies(breakers: ReadonlyMap<string, CircuitBreaker>): readonly Family[] {
  const of = reader('name', breakers);
  return [
    gauge('sluice_circuitbreaker_state', '1 for the state that the breaker is in.', () =>
      [...breakers].flatMap(([name, breaker]) =>
        STATES.map((state) => ({
          labels: { name, state },
          value: breaker.state === state ? 1 : 0,
        })),
      ),
    ),
    counter('sluice_circuitbreaker_calls_total', 'Calls that went in, by outcome.', () =>
      [...breakers].flatMap(([name, breaker]) => {
        const stats = breaker.stats();
        return KINDS.map((kind) => ({ labels: { name, kind }, value: stats[kind] }));
      }),
    ),
    counter(
      'sluice_circuitbreaker_not_permitted_calls_total',
      'Calls refused.',
      of((b) => b.stats().notPermitted),
    ),
    gauge(
      'sluice_circuitbreaker_failure_rate',
      'Share of failures in the window, 0 to 1.',
      of((b) => b.stats().failureRate),
    ),
    gauge(
      'sluice_circuitbreaker_slow_call_rate',
      'Share of slow calls in the window, 0 to 1.',
      of((b) => b.stats().slowCallRate),
    ),
  ];
}

function poolFamilies(pools: ReadonlyMap<string, WorkerPool>): readonly Family[] {
  const of = reader('pool', pools);
  return [
    gauge(
      'worker_pool_active',
      'Lanes in use.',
      of((p) => p.stats().active),
    ),
    gauge(
      'worker_pool_size',
      'Lanes.',
      of((p) => p.stats().size),
    ),
    gauge(
      'worker_pool_queued',
      'Calls waiting for a lane.',
      of((p) => p.stats().queued),
    ),
    gauge(
      'worker_pool_queue_capacity',
      'Places to wait.',
      of((p) => p.stats().queueCapacity),
    ),
    counter(
      'worker_pool_submitted_total',
      'Calls that came.',
      of((p) => p.stats().submitted),
    ),
    ...fateFamilies(of),
    histogram(
      'worker_pool_wait_seconds',
      'Arrival to lane.',
      of((p) => p.waitTimes),
    ),
    histogram(
      'worker_pool_run_seconds',
      'Lane to end.',
      of((p) => p.runTimes),
    ),
  ];
}

/** What has become of the calls that came: together with those that run and wait they are all. */
function fateFamilies(
  of: (value: (pool: WorkerPool) => Sample['value']) => Read,
): readonly Family[] {
  return [
    counter(
      'worker_pool_completed_total',
      'Calls done.',
      of((p) => p.stats().completed),
    ),
    counter(
      'worker_pool_failed_total',
      'Calls that failed.',
      of((p) => p.stats().failed),
    ),
    counter(
      'worker_pool_ignored_total',
      'Calls that ran and were refused further in.',
      of((p) => p.stats().ignored),
    ),
    counter(
      'worker_pool_aborted_total',
      'Calls left by their callers, while they waited or ran.',
      of((p) => p.stats().aborted),
    ),
    counter(
      'worker_pool_expired_total',
      'Calls that never ran: their deadline passed, or could no longer be met.',
      of((p) => p.stats().expired),
    ),
    counter(
      'worker_pool_abandoned_total',
      'Tasks that outlived their callers until their lane was given away. Counted besides.',
      of((p) => p.stats().abandoned),
    ),
    counter(
      'worker_pool_rejected_total',
      'Calls refused: no place, overload, or the pool was stopping.',
      of((p) => p.stats().rejected),
    ),
  ];
}

type Read = Family['read'];

/** Those of one kind. */
function only<P, Q extends P>(
  parts: ReadonlyMap<string, P>,
  is: (part: P) => part is Q,
): ReadonlyMap<string, Q> {
  return new Map([...parts].filter((entry): entry is [string, Q] => is(entry[1])));
}

/** Reads one value from each of `parts`, labelled with its name. */
function reader<P>(label: string, parts: ReadonlyMap<string, P>) {
  return (value: (part: P) => Sample['value']): Read =>
    () =>
      [...parts].map(([name, part]) => ({ labels: { [label]: name }, value: value(part) }));
}

const counter = (name: string, help: string, read: Read): Family => ({
  name,
  help,
  type: 'counter',
  read,
});

const gauge = (name: string, help: string, read: Read): Family => ({
  name,
  help,
  type: 'gauge',
  read,
});

const histogram = (name: string, help: string, read: Read): Family => ({
  name,
  help,
  type: 'histogram',
  read,
});
