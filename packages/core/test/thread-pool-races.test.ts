import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { ThreadPool, type ThreadPoolOptions } from '../src/index.ts';
import { expectBalanced, outcomes, readyPool, until, untilReady } from './kit/threads/pools.ts';
import { Stage } from './kit/threads/stage.ts';

const run = promisify(execFile);
const program = (name: string): string =>
  fileURLToPath(new URL(`./kit/threads/${name}.ts`, import.meta.url));

test('a pool that stops keeps the process alive until its last worker has ended', async () => {
  const { stdout } = await run(process.execPath, [program('stop-at-once')]);
  expect(stdout).toContain('stopped');
});

/** A pool of the jobs of the tests, ready, which is stopped when the test is over. */
async function poolOf(options: ThreadPoolOptions): ReturnType<typeof readyPool> {
  const pool = await readyPool(options);
  onTestFinished(async () => void (await pool.stop({ reject: 'all' })));
  return pool;
}

test('a result that is too deep for the stack of this thread fails its own task and no other', async () => {
  const pool = await poolOf({ size: 1 });
  // A worker has four times the stack of the main thread.
  const nest = pool.define('nest', (depth: number): unknown => {
    let value: unknown = null;
    for (let i = 0; i < depth; i++) value = { value };
    return value;
  });
  const results = await outcomes([nest(5000), nest(1)]);
  expect(results).toEqual(['RangeError', { value: null }]);
  expectBalanced(pool);
});
