import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { RunOptions, ThreadPool } from '../src/index.ts';
import { SeededRandom } from '../src/testing/index.ts';
import type * as jobs from './kit/threads/jobs.ts';
import { expectBalanced, readyPool } from './kit/threads/pools.ts';
import { Stage } from './kit/threads/stage.ts';

/*
 * A mixed load on real threads: nearly all tasks are quick, some are aborted, some never end and some kill
 * their workers. Memory stays flat, and the counts agree with what the callers were told.
 */

const isFull = process.env['SLUICE_SOAK'] === '1';
const TASKS = isFull ? 1_000_000 : 50_000;
const AT_A_TIME = 500;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapMb(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

type Told = 'completed' | 'failed' | 'aborted' | 'late';

class Load {
  readonly told: Record<Told, number> = { completed: 0, failed: 0, aborted: 0, late: 0 };
  wrong = 0;
  readonly #pool: ThreadPool<typeof jobs>;
  readonly #random = new SeededRandom(11);
  readonly #gone = new Error('gone');
  readonly #abyss = new Stage();
  #sent = 0;

  constructor(pool: ThreadPool<typeof jobs>) {
    this.#pool = pool;
  }

  async send(tasks: number): Promise<void> {
    const until = this.#sent + tasks;
    const caller = async (): Promise<void> => {
      while (this.#sent < until) await this.#call(this.#sent++);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, caller));
  }

  async #call(i: number): Promise<void> {
    try {
      await this.#run(i);
      this.told.completed++;
    } catch (error) {
      if (error === this.#gone) this.told.aborted++;
      else if ((error as Error).name === 'DeadlineExceededError') this.told.late++;
      else this.told.failed++;
    }
  }

  async #run(i: number): Promise<void> {
    const pool = this.#pool;
    // Rare enough that the threads work most of the time, and not only start.
    if (i % 5000 === 2500) return void (await pool.run('exitFor', `exit ${i}`));
    if (i % 5000 === 4500) {
      await pool.run('spin', this.#abyss.buffer, { timeoutMs: 3 });
      return;
    }
    const chance = this.#random.next();
    if (chance < 0.01) return this.#leave(i);
    if (chance < 0.02) return void (await pool.run('uncloneable'));
    const options = chance < 0.2 ? this.#options(chance) : undefined;
    if (chance < 0.6) return this.#expect(i + 1, await pool.run('add', { a: i, b: 1 }, options));
    const text = chance < 0.62 ? 'x'.repeat(10_000) : 'x';
    this.#expect(text, await pool.run('echo', text, options));
  }

  /** Some wait for long behind a worker that is replaced, so none is given too little time. */
  #options(chance: number): RunOptions {
    if (chance < 0.08) return { timeoutMs: 60_000, idempotent: true };
    if (chance < 0.14) return { deadlineMs: 60_000, priority: 1 };
    return { key: `tenant ${Math.floor(chance * 100)}`, affinity: 'mine' };
  }

  async #leave(i: number): Promise<void> {
    const controller = new AbortController();
    const run = this.#pool.run('echo', i, { signal: controller.signal });
    if (i % 2 === 0) await Promise.resolve();
    controller.abort(this.#gone);
    await run;
  }

  #expect(expected: unknown, actual: unknown): void {
    if (actual !== expected) this.wrong++;
  }
}

test(`after ${TASKS} tasks with crashes, timeouts and aborts memory is flat and all counts are right`, async () => {
  if (!isFull) console.log(`${TASKS} tasks; SLUICE_SOAK=1 runs 1000000, which takes minutes`);
  const restartBackoff = { type: 'constant', delayMs: 1 } as const;
  const pool = await readyPool({ size: 2, queue: AT_A_TIME, graceMs: 1, restartBackoff });
  const load = new Load(pool);
  await load.send(TASKS / 5);
  const earlyMb = heapMb();
  await load.send((TASKS / 5) * 4);
  const { completed, failed, aborted, late } = load.told;
  await pool.drain();
  const grownMb = heapMb() - earlyMb;
  const stats = pool.stats();
  if (isFull) console.log({ told: load.told, grownMb, rss: process.memoryUsage().rss, ...stats });

  expect(load.wrong).toBe(0);
  expect(completed + failed + aborted + late).toBe(TASKS);
  expect(stats).toMatchObject({ submitted: TASKS, completed, failed, aborted, expired: late });
  expect(stats).toMatchObject({ rejected: 0, active: 0, queued: 0, crashes: TASKS / 5000 });
  expect(stats.restarts).toBe(TASKS / 5000);
  expect(grownMb).toBeLessThan(4);
  expectBalanced(pool);
  expect(await pool.stop()).toEqual({ refused: 0, ended: 0, running: 0 });
}, 1_800_000);
