import { describe, expect, test } from 'vitest';
import { ScriptedPool } from '../../test/kit/threads/scripted-pool.ts';

describe('stop of a pool', () => {
  test.each(['queued', 'all'] as const)(
    'that is paused begins nothing of what it is to refuse: %s',
    async (reject) => {
      const pool = await new ScriptedPool({ size: 1 }).ready();
      await pool.teach('short', 0.01);
      const { taken } = pool.worker(1);
      pool.engine.pause();
      const calls = Array.from({ length: 100 }, () => pool.submit('short'));
      const result = await pool.engine.stop({ timeoutMs: 1000, reject });
      expect(result).toEqual({ refused: 100, ended: 0, running: 0 });
      expect(pool.worker(1).taken).toBe(taken);
      expect(new Set(calls.map(({ answer }) => answer))).toEqual(new Set(['PoolStoppedError']));
    },
  );

  test('that was asked again with reject: queued refuses what waits, and what runs goes on', async () => {
    const pool = await new ScriptedPool({ size: 1 }).ready();
    const [running, ...waiting] = [1, 2, 3, 4].map((i) => pool.submit('job', i));
    await pool.settle();
    pool.worker(1).begin();
    const stopped = pool.engine.stop({ timeoutMs: 60_000, reject: undefined });
    await pool.settle();
    expect(pool.engine.stop({ timeoutMs: 0, reject: 'queued' })).toBe(stopped);
    await pool.settle();
    expect(waiting.map(({ answer }) => answer)).toEqual(waiting.map(() => 'PoolStoppedError'));
    expect(running?.answer).toBeUndefined();
    pool.worker(1).finish();
    expect(await stopped).toEqual({ refused: 3, ended: 0, running: 0 });
    expect(running?.answer).toBe('completed');
  });

  test('that was asked again with reject: all ends all at once', async () => {
    const pool = await new ScriptedPool({ size: 1 }).ready();
    const [running, ...waiting] = [1, 2, 3, 4].map((i) => pool.submit('job', i));
    await pool.settle();
    pool.worker(1).begin();
    const stopped = pool.engine.stop({ timeoutMs: Infinity, reject: undefined });
    await pool.settle();
    expect(pool.engine.stop({ timeoutMs: 0, reject: 'all' })).toBe(stopped);
    expect(await stopped).toEqual({ refused: 3, ended: 1, running: 0 });
    expect(running?.answer).toBe('TimeoutError');
    expect(waiting.map(({ answer }) => answer)).toEqual(waiting.map(() => 'PoolStoppedError'));
    expect(pool.clock.pending).toBe(0);
  });

  test.each([
    { timeoutMs: 2000, usedMs: 0, leftMs: 2000, which: 'what is left of its time' },
    { timeoutMs: 2000, usedMs: 1500, leftMs: 500, which: 'what is left of its time' },
    { timeoutMs: 150, usedMs: 100, leftMs: 100, which: 'at least 100 ms' },
    { timeoutMs: 60_000, usedMs: 0, leftMs: 5000, which: 'at most 5 s' },
  ])('leaves its workers $which to end: $leftMs ms', async ({ timeoutMs, usedMs, leftMs }) => {
    const pool = await new ScriptedPool({ size: 1 }).ready();
    const worker = pool.worker(1);
    // As one whose `onStop` does not end.
    worker.stop = () => {
      worker.isReady = false;
    };
    pool.submit('job');
    await pool.settle();
    worker.begin();
    const stopped = pool.engine.stop({ timeoutMs, reject: undefined });
    await pool.settle();
    pool.clock.advance(usedMs);
    worker.finish();
    await pool.settle();
    pool.clock.advance(leftMs - 1);
    await pool.settle();
    expect(worker.isGone).toBe(false);
    pool.clock.advance(1);
    expect(await stopped).toEqual({ refused: 0, ended: 0, running: 0 });
    expect(worker.isGone).toBe(true);
  });

  test('that was asked again while its workers end leaves them less time', async () => {
    const pool = await new ScriptedPool({ size: 1 }).ready();
    const worker = pool.worker(1);
    worker.stop = () => {
      worker.isReady = false;
    };
    const stopped = pool.engine.stop({ timeoutMs: 60_000, reject: undefined });
    await pool.settle();
    void pool.engine.stop({ timeoutMs: 0, reject: 'all' });
    pool.clock.advance(100);
    expect(await stopped).toEqual({ refused: 0, ended: 0, running: 0 });
  });
});
