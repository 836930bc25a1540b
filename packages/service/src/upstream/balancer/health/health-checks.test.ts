import { ManualClock, SeededRandom } from '@sluice/core/testing';
import { expect, test } from 'vitest';

import { HealthChecks, Targets, type HealthCheckOptions, type Probe } from '../index.ts';

const OPTIONS = { intervalMs: 1000, timeoutMs: 300, healthyAfter: 2, unhealthyAfter: 3 };

interface Bench {
  readonly clock: ManualClock;
  readonly targets: Targets;
  readonly checks: HealthChecks;
  readonly health: () => readonly string[];
}

function bench(
  origins: readonly string[],
  probe: Probe,
  options: HealthCheckOptions = OPTIONS,
): Bench {
  const clock = new ManualClock();
  const random = new SeededRandom(3);
  const addresses = origins.map((origin) => ({ origin }));
  const targets = new Targets(addresses, { name: 'up', connections: 4, clock, random });
  const checks = new HealthChecks(targets, probe, { ...options, clock, random });
  return { clock, targets, checks, health: () => targets.all.map(({ health }) => health) };
}

/** The longest that two probes of a target can be apart, when they answer at once. */
const ROUND_MS = 1100;

test('a target that is down is found by its first probe, before a request has failed', async () => {
  const { clock, checks, health } = bench(['a', 'b'], ({ name }) => Promise.resolve(name === 'a'));
  await clock.run(10);
  expect(health()).toEqual(['healthy', 'unhealthy']);
  expect(checks.stats()).toEqual({ probes: 2, failed: 1 });
});

test('a target becomes unhealthy after three bad results, and healthy after two good ones', async () => {
  let isWell = true;
  const { clock, health } = bench(['a'], () => Promise.resolve(isWell));
  const steps = [
    { isWell: true, is: 'healthy' },
    { isWell: false, is: 'healthy' },
    { isWell: false, is: 'healthy' },
    { isWell: false, is: 'unhealthy' },
    { isWell: true, is: 'unhealthy' },
    { isWell: true, is: 'healthy' },
  ];
  for (const step of steps) {
    ({ isWell } = step);
    await clock.run(clock.nextDueMs - clock.nowMs());
    expect(health()).toEqual([step.is]);
  }
});

test.each<{ how: string; probe: Probe }>([
  { how: 'rejects', probe: () => Promise.reject(new Error('refused')) },
  {
    how: 'throws',
    probe: () => {
      throw new Error('no socket');
    },
  },
  { how: 'hangs', probe: () => new Promise(() => {}) },
])('a probe that $how counts as a bad result', async ({ probe }) => {
  const { clock, checks, health } = bench(['a'], probe);
  await clock.run(10 + 300);
  expect(health()).toEqual(['unhealthy']);
  expect(checks.stats()).toEqual({ probes: 1, failed: 1 });
});

test('a target has one probe at a time, even if the probe heeds no signal, and each time without a result is a bad one', async () => {
  let underWay = 0;
  let answer: ((isGood: boolean) => void) | undefined;
  const probe: Probe = () => {
    underWay++;
    return new Promise((resolve) => {
      answer = (isGood) => {
        underWay--;
        resolve(isGood);
      };
    });
  };
  const { clock, checks, health } = bench(['a'], probe);
  await clock.run(10 + 300 + 5 * ROUND_MS);
  expect(underWay).toBe(1);
  expect(checks.stats().failed).toBeGreaterThanOrEqual(5);
  // What comes too late does not count; what the next probes say does.
  answer?.(true);
  await clock.run(0);
  expect(health()).toEqual(['unhealthy']);
  for (let i = 0; i < 2; i++) {
    await clock.run(clock.nextDueMs - clock.nowMs());
    expect(underWay).toBe(1);
    answer?.(true);
    await clock.run(0);
  }
  expect(health()).toEqual(['healthy']);
});

test('a probe that is over its time is told so', async () => {
  const signals: AbortSignal[] = [];
  const { clock } = bench(['a'], (_, signal) => {
    signals.push(signal);
    return new Promise(() => {});
  });
  await clock.run(10);
  expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  await clock.run(300);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
});

test('a good probe leaves only the timer of the next one', async () => {
  const { clock } = bench(['a', 'b'], () => Promise.resolve(true));
  await clock.run(20 * ROUND_MS);
  expect(clock.pending).toBe(2);
});

test('the probes of many targets do not go out together', async () => {
  const origins = Array.from({ length: 200 }, (_, i) => `t${i}`);
  const times: number[] = [];
  const { clock } = bench(origins, () => {
    times.push(clock.nowMs());
    return Promise.resolve(true);
  });
  await clock.run(1000);
  expect(times.length).toBeGreaterThanOrEqual(200);
  expect(new Set(times.map((each) => Math.floor(each / 100))).size).toBe(10);
});

test('targets that come are probed, targets that go are not any more', async () => {
  const probed: string[] = [];
  const { clock, targets, health } = bench(['a'], ({ name }) => {
    probed.push(name);
    return Promise.resolve(true);
  });
  await clock.run(10);
  targets.update({ addresses: [{ origin: 'b' }] });
  await clock.run(5 * ROUND_MS);
  expect(new Set(probed.slice(1))).toEqual(new Set(['b']));
  expect(health()).toEqual(['healthy']);
});

test('new options hold from the next probe on', async () => {
  const { clock, checks, health } = bench(['a'], () => Promise.resolve(false), OPTIONS);
  await clock.run(10);
  checks.update({ ...OPTIONS, intervalMs: 10_000 });
  await clock.run(ROUND_MS);
  const { probes } = checks.stats();
  await clock.run(8000);
  expect(checks.stats().probes).toBe(probes);
  expect(health()).toEqual(['unhealthy']);
});

test('stop ends the probes under way and leaves no timer, and all targets are used again', async () => {
  const signals: AbortSignal[] = [];
  let isFirst = true;
  const { clock, checks, health } = bench(['a'], (_, signal) => {
    signals.push(signal);
    if (isFirst) return Promise.resolve((isFirst = false));
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(true)));
  });
  await clock.run(ROUND_MS + 10);
  expect(health()).toEqual(['unhealthy']);
  checks.stop();
  await clock.run(10 * ROUND_MS);
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, true]);
  expect(health()).toEqual(['unknown']);
  expect(clock.pending).toBe(0);
});
