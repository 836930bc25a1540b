import { describe, expect, test } from 'vitest';
import { WorkerPool, type ThreadPool, type SubmitOptions, type Task } from '../src/index.ts';
import type * as jobs from './kit/threads/jobs.ts';
import { jobsPool, outcomes, until } from './kit/threads/pools.ts';
import { Stage } from './kit/threads/stage.ts';

/** What both kinds of pools can be asked to do: to wait at the door, to pass by, to listen, to fail. */
type Act = 'wait' | 'visit' | 'listen' | 'uncloneable';

/** A pool of either kind, with a stage on which its tasks meet the test. */
interface Rig {
  readonly pool: WorkerPool | ThreadPool<typeof jobs>;
  readonly stage: Stage;
  submit(act: Act, options?: SubmitOptions): Promise<unknown>;
  trySubmit(act: Act, options?: SubmitOptions): Promise<unknown> | undefined;
}

interface RigOptions {
  readonly size: number;
  readonly queue?: number;
}

async function threads(options: RigOptions): Promise<Rig> {
  const pool = jobsPool({ ...options, graceMs: 60_000 });
  await pool.ready();
  const stage = new Stage();
  const taskOf = (act: Act): { job: Act; input: unknown } => ({ job: act, input: stage.buffer });
  return {
    pool,
    stage,
    submit: (act, each) => pool.submit(taskOf(act), each),
    trySubmit: (act, each) => pool.trySubmit(taskOf(act), each),
  };
}

async function lanes(options: RigOptions): Promise<Rig> {
  const pool = new WorkerPool(options);
  const stage = new Stage();
  const tasks: Record<Act, Task<unknown>> = {
    wait: async () => {
      stage.enter();
      if (!stage.isOpen) await stage.waitBesideDoor();
      stage.leave();
    },
    visit: () => {
      stage.enter();
      stage.leave();
    },
    listen: async ({ signal }) => {
      stage.enter();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      stage.hear();
      stage.leave();
    },
    uncloneable: () => {
      throw new DOMException('as of a thread', 'DataCloneError');
    },
  };
  return {
    pool,
    stage,
    submit: (act, each) => pool.submit(tasks[act], each),
    trySubmit: (act, each) => pool.trySubmit(tasks[act], each),
  };
}

const REASON = new Error('gone');

describe.each([
  { kind: 'a worker pool', make: lanes },
  { kind: 'a thread pool', make: threads },
])('$kind', ({ make }) => {
  /** One that runs, and others that wait behind it. */
  async function busy(waiting: number): Promise<Rig & { told: Promise<unknown[]> }> {
    const rig = await make({ size: 1 });
    const running = rig.submit('wait');
    await until(() => rig.stage.started === 1);
    const others = Array.from({ length: waiting }, () => rig.submit('visit'));
    return { ...rig, told: outcomes([running, ...others]) };
  }

  async function endWell({ pool, stage }: Rig): Promise<void> {
    stage.open();
    await pool.stop();
    expect(pool.stats()).toMatchObject({ state: 'stopped', active: 0, queued: 0 });
    expectAllCounted(pool);
  }

  test('answers with the result of a task, or its error', async () => {
    const rig = await make({ size: 2 });
    await rig.submit('visit');
    await expect(rig.submit('uncloneable')).rejects.toMatchObject({ name: 'DataCloneError' });
    expect(rig.pool.stats()).toMatchObject({ submitted: 2, completed: 1, failed: 1 });
    await endWell(rig);
  });

  test('without a place refuses: submit by QueueFullError, trySubmit by undefined', async () => {
    const rig = await make({ size: 1, queue: 1 });
    // A worker may be handed a few ahead besides.
    const told = outcomes(Array.from({ length: 20 }, () => rig.submit('wait')));
    const before = rig.pool.stats();
    expect(before).toMatchObject({ submitted: 20, active: 1 });
    expect(rig.trySubmit('wait')).toBeUndefined();
    expect(rig.pool.stats().rejected).toBe(before.rejected + 1);
    rig.stage.open();
    const refused = (await told).filter((each) => each === 'QueueFullError');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused).toHaveLength(before.rejected);
    await rig.trySubmit('visit');
    await endWell(rig);
  });

  test('does not count what was aborted before it came, and rejects with the reason', async () => {
    const rig = await make({ size: 1 });
    const options = { signal: AbortSignal.abort(REASON), deadlineMs: 0 };
    await expect(rig.submit('visit', options)).rejects.toBe(REASON);
    await expect(rig.trySubmit('visit', options)).rejects.toBe(REASON);
    expect(rig.pool.stats()).toMatchObject({ submitted: 0, aborted: 0 });
    await endWell(rig);
  });

  test('does not count what came after its deadline, and begins it not even on a free lane', async () => {
    const rig = await make({ size: 1 });
    const told = [-1, 0].flatMap((deadlineMs) => [
      rig.submit('visit', { deadlineMs }),
      rig.trySubmit('visit', { deadlineMs }) as Promise<unknown>,
    ]);
    expect(new Set(await outcomes(told))).toEqual(new Set(['DeadlineExceededError']));
    expect(rig.pool.stats()).toMatchObject({ submitted: 0, expired: 0 });
    expect(rig.stage.started).toBe(0);
    await endWell(rig);
  });

  test('never begins what was aborted while it waited', async () => {
    const rig = await busy(0);
    const controller = new AbortController();
    const waiting = rig.submit('visit', { signal: controller.signal });
    controller.abort(REASON);
    await expect(waiting).rejects.toBe(REASON);
    expect(rig.pool.stats()).toMatchObject({ aborted: 1, queued: 0, active: 1 });
    await endWell(rig);
    expect(rig.stage.started).toBe(1);
  });

  test('answers at once what is aborted while it runs, and tells the task', async () => {
    const rig = await make({ size: 1 });
    const controller = new AbortController();
    const running = rig.submit('listen', { signal: controller.signal });
    await until(() => rig.stage.started === 1);
    controller.abort(REASON);
    await expect(running).rejects.toBe(REASON);
    await until(() => rig.stage.heard === 1);
    await rig.pool.drain();
    expect(rig.pool.stats()).toMatchObject({ aborted: 1, completed: 0 });
    await endWell(rig);
  });

  test('sends away what waits at its deadline, and never begins it', async () => {
    const rig = await busy(0);
    const waiting = rig.submit('visit', { deadlineMs: 5 });
    await expect(waiting).rejects.toMatchObject({ name: 'DeadlineExceededError' });
    expect(rig.pool.stats()).toMatchObject({ expired: 1, queued: 0 });
    await endWell(rig);
    expect(rig.stage.started).toBe(1);
  });

  test('answers what runs too long with TimeoutError', async () => {
    const rig = await make({ size: 1 });
    const running = rig.submit('listen', { timeoutMs: 5 });
    await expect(running).rejects.toMatchObject({ name: 'TimeoutError', timeoutMs: 5 });
    await rig.pool.drain();
    expect(rig.pool.stats()).toMatchObject({ failed: 1, completed: 0 });
    await endWell(rig);
  });

  test('begins nothing while it is paused', async () => {
    const rig = await make({ size: 2 });
    rig.pool.pause();
    const told = outcomes([rig.submit('visit'), rig.submit('visit')]);
    expect(rig.pool.stats()).toMatchObject({ state: 'paused', queued: 2, active: 0 });
    rig.pool.resume();
    await told;
    expect(rig.stage.started).toBe(2);
    await endWell(rig);
  });

  test('begins what waits as soon as it has more lanes', async () => {
    const rig = await make({ size: 1 });
    const told = outcomes([rig.submit('wait'), rig.submit('wait'), rig.submit('wait')]);
    rig.pool.resize(3);
    await until(() => rig.stage.running === 3);
    rig.stage.open();
    await told;
    await endWell(rig);
    expect(rig.stage.most).toBe(3);
  });

  test('drains when nothing runs or waits, and goes on', async () => {
    const rig = await busy(3);
    const drained = rig.pool.drain();
    rig.stage.open();
    await drained;
    expect(rig.pool.stats()).toMatchObject({ state: 'running', completed: 4 });
    await rig.submit('visit');
    await endWell(rig);
  });

  test('does what it has accepted when it is stopped, and takes no more', async () => {
    const rig = await busy(3);
    const stopped = rig.pool.stop();
    expect(rig.trySubmit('visit')).toBeUndefined();
    await expect(rig.submit('visit')).rejects.toMatchObject({ name: 'PoolStoppedError' });
    rig.stage.open();
    expect(await stopped).toEqual({ refused: 0, ended: 0, running: 0 });
    expect(rig.pool.stats()).toMatchObject({ completed: 4, rejected: 2 });
    await endWell(rig);
  });

  test.each([
    { way: 'at once', first: { reject: 'queued' } as const },
    { way: 'when it is asked again', first: {}, second: { reject: 'queued' } as const },
  ])('refuses what waits and lets finish what runs with reject: queued $way', async (each) => {
    const rig = await busy(3);
    const stopped = rig.pool.stop(each.first);
    if (each.second !== undefined) void rig.pool.stop(each.second);
    rig.stage.open();
    expect(await stopped).toEqual({ refused: 3, ended: 0, running: 0 });
    const [running, ...others] = await rig.told;
    expect(running).not.toBe('TimeoutError');
    expect(new Set(others)).toEqual(new Set(['PoolStoppedError']));
    await endWell(rig);
  });

  test.each([
    { way: 'with reject: all', first: { reject: 'all' } as const },
    { way: 'without any time', first: { timeoutMs: 0 } },
    {
      way: 'asked again with reject: all',
      first: { timeoutMs: Infinity },
      second: { reject: 'all', timeoutMs: 0 } as const,
    },
  ])('ends all $way', async ({ first, second }) => {
    const rig = await busy(3);
    const stopped = rig.pool.stop(first);
    if (second !== undefined) void rig.pool.stop(second);
    expect(await stopped).toMatchObject({ refused: 3, ended: 1 });
    const [running, ...others] = await rig.told;
    expect(running).toBe('TimeoutError');
    expect(new Set(others)).toEqual(new Set(['PoolStoppedError']));
    await endWell(rig);
  });

  test('begins nothing of what it refuses when it is stopped while it is paused', async () => {
    const rig = await make({ size: 1 });
    rig.pool.pause();
    const told = outcomes(Array.from({ length: 100 }, () => rig.submit('visit')));
    const result = await rig.pool.stop({ reject: 'queued' });
    expect(result).toEqual({ refused: 100, ended: 0, running: 0 });
    expect(new Set(await told)).toEqual(new Set(['PoolStoppedError']));
    expect(rig.stage.started).toBe(0);
    await endWell(rig);
  });
});

/** Every task that came is in one of the counts. */
function expectAllCounted(pool: WorkerPool | ThreadPool<typeof jobs>): void {
  const { submitted, ignored, ...counts } = pool.stats();
  const { completed, failed, aborted, expired, rejected, active, queued } = counts;
  const over = completed + failed + ignored + aborted + expired + rejected;
  expect(over + active + queued).toBe(submitted);
}
