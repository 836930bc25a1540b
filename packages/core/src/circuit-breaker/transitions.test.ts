import { expect, test } from 'vitest';
import { CircuitOpenError } from '../core/index.ts';
import { ManualClock } from '../testing/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { CircuitState, StateChange } from './states.ts';
import type { CircuitBreakerOptions } from './options.ts';

/** One thing that happens to a breaker, and what is to come of it. */
interface Step {
  readonly atMs: number;
  /** How a call ends: 'refused' if it is not let in. Or what else is done. */
  readonly call:
    | 'fails'
    | 'succeeds'
    | 'refused'
    | 'hangs'
    | 'none'
    | 'reset'
    | 'forceOpen'
    | 'close'
    | 'disable'
    | 'metricsOnly';
  readonly state: CircuitState;
  /** Why the state changed last within the step, if it did. */
  readonly reason?: StateChange['reason'];
}

/** The steps as they really went. */
async function played(
  steps: readonly Step[],
  options: CircuitBreakerOptions,
): Promise<readonly Step[]> {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker({ openJitter: 0, ...options, clock });
  const reasons: StateChange['reason'][] = [];
  breaker.on('stateChange', ({ reason }) => reasons.push(reason));
  const went: Step[] = [];
  for (const { atMs, call } of steps) {
    clock.advanceTo(atMs);
    reasons.length = 0;
    const happened = await play(breaker, call);
    const { state } = breaker;
    const reason = reasons.at(-1);
    went.push({ atMs, call: happened, state, ...(reason && { reason }) });
  }
  return went;
}

async function play(breaker: CircuitBreaker, call: Step['call']): Promise<Step['call']> {
  if (call === 'none') return call;
  if (call === 'reset') breaker.reset();
  if (call === 'forceOpen') breaker.forceOpen();
  if (call === 'close') breaker.close();
  if (call === 'disable') breaker.disable();
  if (call === 'metricsOnly') breaker.metricsOnly();
  if (!['fails', 'succeeds', 'refused', 'hangs'].includes(call)) return call;
  const work = breaker.execute(async () => {
    if (call === 'hangs') await new Promise(() => undefined);
    if (call === 'fails') throw new Error('boom');
  });
  if (call === 'hangs') return call;
  return work.then(
    () => 'succeeds',
    (error: unknown) => (error instanceof CircuitOpenError ? 'refused' : 'fails'),
  );
}

test('a breaker opens after so many failures in a row, and a success begins the count anew', async () => {
  const steps: Step[] = [
    { atMs: 0, call: 'fails', state: 'closed' },
    { atMs: 10, call: 'fails', state: 'closed' },
    { atMs: 20, call: 'succeeds', state: 'closed' },
    { atMs: 30, call: 'fails', state: 'closed' },
    { atMs: 40, call: 'fails', state: 'closed' },
    { atMs: 50, call: 'fails', state: 'open', reason: 'consecutive-failures' },
    { atMs: 51, call: 'refused', state: 'open' },
  ];
  await expect(played(steps, { consecutiveFailures: 3 })).resolves.toEqual(steps);
});

test('a breaker opens when its failure rate is reached, but not below its minimum of calls', async () => {
  const steps: Step[] = [
    { atMs: 0, call: 'fails', state: 'closed' },
    { atMs: 1, call: 'fails', state: 'closed' },
    { atMs: 2, call: 'succeeds', state: 'closed' },
    { atMs: 3, call: 'succeeds', state: 'open', reason: 'failure-rate' },
    { atMs: 4, call: 'refused', state: 'open' },
  ];
  const options = { minimumCalls: 4, failureRateThreshold: 0.5 };
  await expect(played(steps, options)).resolves.toEqual(steps);
});

test('a breaker forgets what its time window has passed', async () => {
  const steps: Step[] = [
    { atMs: 0, call: 'fails', state: 'closed' },
    { atMs: 900, call: 'fails', state: 'closed' },
    { atMs: 1000, call: 'fails', state: 'closed' }, // the first is gone
    { atMs: 1899, call: 'succeeds', state: 'closed' },
    { atMs: 1899, call: 'fails', state: 'open', reason: 'failure-rate' },
  ];
  const options: CircuitBreakerOptions = {
    minimumCalls: 4,
    failureRateThreshold: 0.75,
    slidingWindow: { type: 'time', durationMs: 1000, buckets: 10 },
  };
  await expect(played(steps, options)).resolves.toEqual(steps);
});

test('a breaker that recovers goes through its probes, and closes with a window as new', async () => {
  const steps: Step[] = [
    { atMs: 0, call: 'fails', state: 'closed' },
    { atMs: 0, call: 'fails', state: 'open', reason: 'consecutive-failures' },
    { atMs: 499, call: 'refused', state: 'open' },
    { atMs: 500, call: 'succeeds', state: 'half-open', reason: 'open-time-over' },
    { atMs: 510, call: 'succeeds', state: 'half-open' },
    { atMs: 520, call: 'succeeds', state: 'closed', reason: 'probes-succeeded' },
    { atMs: 521, call: 'fails', state: 'closed' },
    { atMs: 522, call: 'fails', state: 'open', reason: 'consecutive-failures' },
  ];
  await expect(played(steps, { consecutiveFailures: 2 })).resolves.toEqual(steps);
});

test('a failed first probe opens it again, for twice as long', async () => {
  const steps: Step[] = [
    { atMs: 0, call: 'fails', state: 'open', reason: 'consecutive-failures' },
    { atMs: 500, call: 'fails', state: 'open', reason: 'probe-failed' },
    { atMs: 1499, call: 'refused', state: 'open' },
    { atMs: 1500, call: 'succeeds', state: 'half-open', reason: 'open-time-over' },
  ];
  await expect(played(steps, { consecutiveFailures: 1 })).resolves.toEqual(steps);
});

test('a probe that hangs is given up for a failed recovery', async () => {
  const steps: Step[] = [
    { atMs: 0, call: 'fails', state: 'open', reason: 'consecutive-failures' },
    { atMs: 500, call: 'hangs', state: 'half-open', reason: 'open-time-over' },
    { atMs: 501, call: 'refused', state: 'half-open' },
    { atMs: 30_499, call: 'refused', state: 'half-open' },
    { atMs: 30_500, call: 'refused', state: 'open', reason: 'half-open-timeout' },
    { atMs: 31_499, call: 'none', state: 'open' },
    { atMs: 31_500, call: 'none', state: 'half-open', reason: 'open-time-over' },
    { atMs: 31_501, call: 'succeeds', state: 'closed', reason: 'probes-succeeded' },
  ];
  const options = { consecutiveFailures: 1, permittedCallsInHalfOpen: 1 };
  await expect(played(steps, options)).resolves.toEqual(steps);
});

test('reset closes it from any state and forgets all that was counted', async () => {
  const steps: Step[] = [
    { atMs: 0, call: 'fails', state: 'closed' },
    { atMs: 1, call: 'reset', state: 'closed' },
    { atMs: 2, call: 'fails', state: 'closed' },
    { atMs: 3, call: 'fails', state: 'open', reason: 'consecutive-failures' },
    { atMs: 4, call: 'reset', state: 'closed', reason: 'reset' },
    { atMs: 5, call: 'fails', state: 'closed' },
    { atMs: 6, call: 'fails', state: 'open', reason: 'consecutive-failures' },
    { atMs: 506, call: 'succeeds', state: 'half-open', reason: 'open-time-over' },
    { atMs: 507, call: 'reset', state: 'closed', reason: 'reset' },
    { atMs: 508, call: 'fails', state: 'closed' },
  ];
  await expect(played(steps, { consecutiveFailures: 2 })).resolves.toEqual(steps);
});

test('forced open it refuses for ever, and closes for all calls when it is told so', async () => {
  const steps: Step[] = [
    { atMs: 0, call: 'fails', state: 'closed' },
    { atMs: 1, call: 'forceOpen', state: 'forced-open', reason: 'manual' },
    { atMs: 1e9, call: 'refused', state: 'forced-open' },
    { atMs: 1e9, call: 'forceOpen', state: 'forced-open' },
    { atMs: 1e9, call: 'close', state: 'closed', reason: 'manual' },
    { atMs: 1e9, call: 'fails', state: 'closed' },
    { atMs: 1e9, call: 'fails', state: 'open', reason: 'consecutive-failures' },
    { atMs: 1e9, call: 'forceOpen', state: 'forced-open', reason: 'manual' },
    { atMs: 1e9, call: 'reset', state: 'closed', reason: 'reset' },
  ];
  await expect(played(steps, { consecutiveFailures: 2, rampMs: 1000 })).resolves.toEqual(steps);
});

test('disabled and for metrics only it lets every call in and never opens', async () => {
  const steps: Step[] = [
    { atMs: 0, call: 'fails', state: 'open', reason: 'consecutive-failures' },
    { atMs: 1, call: 'disable', state: 'disabled', reason: 'manual' },
    { atMs: 2, call: 'fails', state: 'disabled' },
    { atMs: 3, call: 'metricsOnly', state: 'metrics-only', reason: 'manual' },
    { atMs: 4, call: 'fails', state: 'metrics-only' },
    { atMs: 5, call: 'close', state: 'closed', reason: 'manual' },
    { atMs: 6, call: 'succeeds', state: 'closed' },
    { atMs: 7, call: 'metricsOnly', state: 'metrics-only', reason: 'manual' },
    { atMs: 8, call: 'forceOpen', state: 'forced-open', reason: 'manual' },
    { atMs: 9, call: 'disable', state: 'disabled', reason: 'manual' },
    { atMs: 10, call: 'reset', state: 'closed', reason: 'reset' },
    { atMs: 11, call: 'fails', state: 'open', reason: 'consecutive-failures' },
    { atMs: 511, call: 'hangs', state: 'half-open', reason: 'open-time-over' },
    { atMs: 512, call: 'close', state: 'closed', reason: 'manual' },
  ];
  await expect(played(steps, { consecutiveFailures: 1 })).resolves.toEqual(steps);
});
