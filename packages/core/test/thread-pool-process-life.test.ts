import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, test, vi } from 'vitest';
import { ThreadPool, WorkerCrashedError, type ThreadPoolOptions } from '../src/index.ts';
import { isAlive } from './kit/process-alive.ts';
import type * as jobs from './kit/process-jobs.ts';

const module = new URL('./kit/process-jobs.ts', import.meta.url);
const parent = fileURLToPath(new URL('./kit/parent-script.ts', import.meta.url));

function poolOf(options: ThreadPoolOptions = {}): ThreadPool<typeof jobs> {
  return new ThreadPool(module, { size: 1, isolation: 'process', ...options });
}

/** Waits for the end of processes. Returns those that live on. */
async function survivors(pids: readonly number[]): Promise<number[]> {
  const living = (): number[] => pids.filter((pid) => isAlive(pid));
  await vi.waitUntil(() => living().length === 0, { timeout: 20_000 }).catch(() => undefined);
  return living();
}

describe('a process that dies fails the task that it ran, with the cause, and is replaced', () => {
  const deaths: [what: string, run: (pool: ThreadPool<typeof jobs>) => Promise<unknown>, RegExp][] =
    [
      ['by process.exit', (pool) => pool.run('exit', 7), /ended with code 7/u],
      ['by a fault in native code', (pool) => pool.run('kill', 'SIGSEGV'), /ended by SIGSEGV/u],
      ['by an unhandled rejection', (pool) => pool.run('unhandled'), /nobody asked/u],
      ['by closing its channel', (pool) => pool.run('hangUp'), /ended/u],
      [
        'by what an earlier task left behind',
        (pool) => Promise.all([pool.run('lateThrow'), pool.run('meet')]),
        /too late/u,
      ],
    ];
  test.each(deaths)('%s', async (_, run, cause) => {
    await using pool = poolOf({ name: 'cpu' });
    const crashes: string[] = [];
    pool.on('crash', ({ worker }) => crashes.push(worker));
    const error = await run(pool).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof WorkerCrashedError);
    assert.match(String(error.cause), cause);
    assert.equal(await pool.run('echo', 'next'), 'next');
    assert.deepEqual(crashes, ['cpu-1']);
  });

  test('by a signal from outside', async () => {
    await using pool = poolOf();
    const pid = await pool.run('pid');
    const running = pool.run('loop');
    process.kill(pid, 'SIGKILL');
    await assert.rejects(running, WorkerCrashedError);
    assert.notEqual(await pool.run('pid'), pid);
  });
});

test('tasks of other processes and those that wait are untouched by the death of one', async () => {
  await using pool = poolOf({ size: 2 });
  await pool.broadcast({ job: 'pid' });
  const dying = pool.run('exit', 1);
  const others = Array.from({ length: 50 }, (_, i) => pool.run('echo', i));
  await assert.rejects(dying, WorkerCrashedError);
  assert.deepEqual(await Promise.all(others), [...others.keys()]);
});

test('signals that are meant for the whole group leave the workers to the pool', async () => {
  await using pool = poolOf();
  const pid = await pool.run('pid');
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.kill(pid, signal);
  assert.equal(await pool.run('pid'), pid);
});

test('a task is run again when it is idempotent and its process died', async () => {
  await using pool = poolOf({ name: 'cpu' });
  const pid = await pool.run('pid');
  const running = pool.run('loopOn', 'cpu-1', { idempotent: true });
  process.kill(pid, 'SIGKILL');
  assert.equal(await running, 'cpu-2');
});

test('processes that cannot be started count as crashes, and waiting tasks are told why', async () => {
  await using pool = poolOf({ execArgv: ['--no-such-option-of-node'] });
  const error = await pool.run('echo', 1).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof WorkerCrashedError);
  assert.match(String(error.cause), /ended with code 9/u);
  assert.ok(pool.stats().crashes > 0);
});

describe('a pool outlives a time in which the system starts no processes', () => {
  const restartBackoff = { type: 'constant', delayMs: 1 } as const;

  async function expectRefusal(pool: ThreadPool<typeof jobs>, cause: RegExp): Promise<void> {
    const error = await pool.run('echo', 1).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof WorkerCrashedError);
    assert.match(String(error.cause), cause);
  }

  async function expectService(pool: ThreadPool<typeof jobs>): Promise<void> {
    const served = async (): Promise<void> => assert.equal(await pool.run('echo', 2), 2);
    await vi.waitFor(served, { timeout: 20_000 });
    await pool.stop();
  }

  test('and says so later', async () => {
    const { execPath } = process;
    process.execPath = '/no/such/program';
    const pool = poolOf({ restartBackoff });
    try {
      await expectRefusal(pool, /ENOENT/u);
    } finally {
      process.execPath = execPath;
    }
    await expectService(pool);
  });

  test('and says so at once', async () => {
    process.env['SLUICE_TOO_LARGE'] = 'x'.repeat(2 ** 20);
    const pool = poolOf({ restartBackoff });
    try {
      await expectRefusal(pool, /E2BIG/u);
    } finally {
      delete process.env['SLUICE_TOO_LARGE'];
    }
    await expectService(pool);
  });
});

test('recycling leaves no gap: each process serves until its successor is ready', async () => {
  await using pool = poolOf({ maxTasks: 20 });
  const pids = new Set<number>();
  while (pids.size < 4) pids.add(await pool.run('pid'));
  const { crashes, failed, completed } = pool.stats();
  assert.deepEqual({ crashes, failed }, { crashes: 0, failed: 0 });
  assert.ok(completed >= 60);
  const last = await pool.run('pid');
  assert.deepEqual(await survivors([...pids].filter((pid) => pid !== last)), []);
});

describe('stop leaves no process', () => {
  test('of those that are idle', async () => {
    const pool = poolOf({ size: 2 });
    const pids = await pool.broadcast<number>({ job: 'pid' });
    assert.deepEqual(
      pids.map((pid) => isAlive(pid)),
      [true, true],
    );
    await pool.stop();
    assert.deepEqual(
      pids.filter((pid) => isAlive(pid)),
      [],
    );
  });

  test('of those that loop', async () => {
    const pool = poolOf({ size: 2 });
    const pids = await pool.broadcast<number>({ job: 'pid' });
    const loops = [pool.run('loop'), pool.run('loop')];
    const stopped = pool.stop({ timeoutMs: 20 });
    await Promise.all(loops.map((loop) => assert.rejects(loop)));
    await stopped;
    assert.deepEqual(
      pids.filter((pid) => isAlive(pid)),
      [],
    );
  });

  test('of those that start', async () => {
    const pool = poolOf({ size: 2 });
    await pool.stop();
    assert.deepEqual(pool.stats().workers, []);
  });
});

describe('no process outlives the one that has the pool', () => {
  const read = async (
    what: string,
  ): Promise<{ pids: number[]; child: ReturnType<typeof spawn> }> => {
    const child = spawn(process.execPath, [parent, what], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    return { pids: String(line).trim().split(' ').map(Number), child };
  };

  test('which ends by itself when the pool is idle', async () => {
    const { pids, child } = await read('idle');
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, 0);
    assert.deepEqual(await survivors(pids), []);
  });

  test('which exits while they loop', async () => {
    const { pids, child } = await read('exit');
    if (child.exitCode === null) await once(child, 'exit');
    assert.deepEqual(await survivors(pids), []);
  });

  test('which is killed while they loop', async () => {
    const { pids, child } = await read('looping');
    assert.deepEqual(
      pids.map((pid) => isAlive(pid)),
      [true, true],
    );
    child.kill('SIGKILL');
    assert.deepEqual(await survivors(pids), []);
  });
});

test('what jobs print passes through, with the name of the worker on each line', async () => {
  const run = promisify(execFile);
  const { stdout, stderr } = await run(process.execPath, [parent, 'print']);
  const lines = /^cpu-\d: one\ncpu-\d: two\n/u;
  assert.match(stdout, lines);
  assert.match(stderr, lines);
});
