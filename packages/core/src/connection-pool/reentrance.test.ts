import { expect, test } from 'vitest';
import { PoolStoppedError } from '../core/index.ts';
import { connectionStage as stage, failureOf } from '../../test/kit/connection-stage.ts';

// Hooks and listeners are called in the middle of the pool's work, and may call the pool.

test('a caller for whom the pool was stopped while it looked for a connection is refused', async () => {
  const { pool, clock } = stage({ isOpen: ({ isAlive }) => isAlive });
  const lease = await pool.acquire();
  lease.value.isAlive = false;
  lease.release();
  pool.on('destroyed', () => void pool.stop());
  const outcome = failureOf(pool.acquire({ timeoutMs: 1000 }));
  await clock.run(0);
  expect(pool.stats()).toMatchObject({ state: 'stopped', pending: 0, refused: 1 });
  expect(await outcome).toBeInstanceOf(PoolStoppedError);
  expect(clock.pending).toBe(0);
});
