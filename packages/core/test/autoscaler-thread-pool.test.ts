import { expect, test } from 'vitest';
import { Autoscaler, usableCpus, type ScalablePool } from '../src/index.ts';
import { expectBalanced, jobsPool, until } from './kit/threads/pools.ts';

const half = (size: number): number => Math.ceil(1.5 * size);

test.for([
  ['tells', true],
  ['does not tell', false],
] as const)(
  'threads that compute become as many as CPUs under load, and one when idle, where Node %s CPU time',
  async ([, tellsCpu]) => {
    const cpus = usableCpus();
    await using threads = jobsPool({ size: 1 });
    const pool: ScalablePool = {
      name: threads.name,
      stats: () => threads.stats(),
      resize: (size) => threads.resize(size),
      whenPressed: (listener) => threads.whenPressed(listener),
      workTotals: () => {
        const { busyMs, ...rest } = threads.workTotals();
        return tellsCpu ? { busyMs, ...rest } : { busyMs };
      },
    };
    const options = { min: 1, max: 16 * cpus, intervalMs: 50, shrinkCooldownMs: 0, idleMs: 100 };
    using autoscaler = new Autoscaler(pool, options);
    const sizes = [1];
    autoscaler.on('resize', ({ to }) => sizes.push(to));
    autoscaler.start();

    let submitted = 0;
    let done = 0;
    const load = { isOn: true };
    const call = async (): Promise<void> => {
      while (load.isOn) {
        submitted++;
        await threads.run('burn', 5);
        done++;
      }
    };
    const callers = Array.from({ length: 10 * cpus }, call);
    await until(() => autoscaler.stats().decisions >= 12);
    // One size is proved and the next one tried in so many intervals at most, whatever else the machine does.
    expect(Math.max(...sizes)).toBeLessThanOrEqual(half(half(cpus)));
    await until(() => Math.max(...sizes) >= cpus);

    load.isOn = false;
    await Promise.all(callers);
    await until(() => threads.stats().size === 1 && !autoscaler.stats().watching);
    expect(done).toBe(submitted);
    expect(threads.stats()).toMatchObject({ submitted, completed: submitted, failed: 0 });
    expectBalanced(threads);
  },
);
