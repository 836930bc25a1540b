import { describe, expect, test } from 'vitest';
import { ScriptedPool } from '../../test/kit/threads/scripted-pool.ts';

describe('a pool that was just made', () => {
  test('and has no place to wait says that no worker has started', async () => {
    const pool = new ScriptedPool({ size: 2, queue: 0 });
    await expect(pool.submit('job').promise).rejects.toThrow(/no worker has started yet/u);
    await pool.ready();
    for (let i = 0; i < 4; i++) pool.submit('long');
    await expect(pool.submit('long').promise).rejects.toThrow(/all 2 lanes are busy/u);
  });

  const readyStateOf = (pool: ScriptedPool): { now: string } => {
    const state = { now: 'waiting' };
    pool.engine.ready().then(
      () => (state.now = 'ready'),
      (error: unknown) => (state.now = (error as Error).name),
    );
    return state;
  };

  test('is ready when as many workers as its size are', async () => {
    const pool = new ScriptedPool({ size: 2 });
    const state = readyStateOf(pool);
    pool.worker(1).becomeReady();
    await pool.settle();
    expect(state.now).toBe('waiting');
    pool.worker(2).becomeReady();
    await pool.settle();
    expect(state.now).toBe('ready');
    await pool.engine.ready();
  });

  test('is ready, too, when the others cannot start, or are no more wanted', async () => {
    const pool = new ScriptedPool({ size: 3 });
    const state = readyStateOf(pool);
    pool.worker(1).becomeReady();
    pool.worker(2).die(new Error('broken'));
    await pool.settle();
    expect(state.now).toBe('waiting');
    pool.worker(3).die(new Error('broken'));
    await pool.settle();
    expect(state.now).toBe('ready');
    const resized = new ScriptedPool({ size: 2 });
    const smaller = readyStateOf(resized);
    resized.worker(1).becomeReady();
    resized.engine.update({ size: 1 });
    await resized.settle();
    expect(smaller.now).toBe('ready');
  });

  test('is never ready when none can start, or when it stops', async () => {
    const pool = new ScriptedPool({ size: 2 });
    const state = readyStateOf(pool);
    for (const n of [1, 2]) pool.worker(n).die(new Error('broken'));
    await pool.settle();
    expect(state.now).toBe('WorkerCrashedError');
    const again = readyStateOf(pool);
    await pool.engine.stop({ timeoutMs: 0, reject: 'all' });
    expect(again.now).toBe('PoolStoppedError');
    await expect(pool.engine.ready()).rejects.toThrow('stopping');
  });
});
