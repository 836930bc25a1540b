import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RunOptions } from './options.ts';
import { ScriptedPool, type ScriptedCall } from '../../test/kit/threads/scripted-pool.ts';

/*
 * Random sequences of everything that callers, time and workers can do to a pool. The workers are scripted
 * and the clock stands still, so that thousands of them run, and each can be run again.
 */

const RUNS = Number(process.env['SLUICE_PROPERTY_RUNS'] ?? 1000);

const options: fc.Arbitrary<RunOptions & { readonly isAbortable: boolean }> = fc.record({
  priority: fc.integer({ min: -8, max: 7 }),
  key: fc.constantFrom(undefined, undefined, 'a', 'b'),
  affinity: fc.constantFrom(undefined, undefined, undefined, 'x', 'y'),
  idempotent: fc.boolean(),
  deadlineMs: fc.constantFrom(undefined, undefined, 0, 3, 20),
  timeoutMs: fc.constantFrom(undefined, undefined, 1, 5, 50),
  isAbortable: fc.boolean(),
});

const steps = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant('submit' as const),
      job: fc.constantFrom('short', 'long', 'job'),
      options,
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      act: fc.constantFrom('begin', 'begin', 'finish', 'finish', 'fail', 'advance', 'abort'),
      n: fc.nat(7),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constantFrom('die', 'ready', 'resize', 'pause', 'resume', 'broadcast'),
      n: fc.nat(7),
    }),
  },
);

type Step = typeof steps extends fc.Arbitrary<infer S> ? S : never;

class Trial {
  readonly pool: ScriptedPool;
  readonly calls: (ScriptedCall & { readonly controller: AbortController })[] = [];
  readonly all: Promise<unknown>[] = [];
  readonly #concurrency: number;
  #came = 0;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
    this.pool = new ScriptedPool({ size: 2, queue: 6, concurrencyPerThread: concurrency });
  }

  do(step: Step): void {
    const { pool } = this;
    if ('job' in step) return this.submit(step.job, step.options);
    const { act, n } = step;
    const worker = pool.alive[n % Math.max(1, pool.alive.length)];
    if (act === 'begin') {
      // As many at a time as a real one runs.
      if (worker && worker.running.length < this.#concurrency) worker.begin();
    } else if (act === 'finish') worker?.finish();
    else if (act === 'fail') worker?.finish('failure');
    else if (act === 'advance') pool.clock.advance(n);
    else if (act === 'abort') this.calls.at(-1 - n)?.controller.abort(new DOMException('gone'));
    else if (act === 'die') worker?.die(new Error('broken'));
    else if (act === 'ready') worker?.becomeReady();
    else if (act === 'resize') pool.engine.update({ size: 1 + (n % 3) });
    else if (act === 'pause') pool.engine.pause();
    else if (act === 'resume') pool.engine.resume();
    else {
      for (const promise of pool.engine.broadcast(pool.engine.kinds.find('job'), n)) {
        this.all.push(promise.catch(() => undefined));
      }
    }
  }

  submit(job: string, { isAbortable, ...rest }: RunOptions & { isAbortable: boolean }): void {
    // Whose time is over before it comes is not counted.
    if (rest.deadlineMs !== 0) this.#came++;
    const controller = new AbortController();
    const { signal } = controller;
    const call = this.pool.submit(job, {}, isAbortable ? { ...rest, signal } : rest);
    this.calls.push(Object.assign(call, { controller }));
  }

  /** What holds at every moment. */
  check(): void {
    const { pool } = this;
    const stats = pool.engine.stats();
    const { submitted, completed, failed, aborted, expired, rejected, active, queued } = stats;
    const over = completed + failed + aborted + expired + rejected;
    assert.equal(over + active + queued, submitted);
    assert.equal(submitted, this.#came + this.all.length);
    assert.ok(active >= 0 && queued >= 0);
    assert.ok(this.calls.every(({ settled }) => settled <= 1));
    for (const worker of pool.alive) {
      const isAhead = worker.outstanding > this.#concurrency;
      assert.ok(!isAhead || worker.aheadMs <= 5);
    }
  }

  /** No worker is idle beside tasks that it could do: all that wait, wait for the one that has their key. */
  checkNoneIdle(): void {
    const { engine, alive } = this.pool;
    const { state, active, queued } = engine.stats();
    const ahead = alive.reduce((sum, { outstanding }) => sum + outstanding, 0) - active;
    const isFree = alive.some(
      ({ isReady, outstanding, duty }) => isReady && outstanding === 0 && duty === 'serving',
    );
    if (state === 'running' && isFree && !this.#hasPinned) assert.equal(queued, ahead);
  }

  get #hasPinned(): boolean {
    return this.all.length > 0 || this.hasAffinity;
  }

  hasAffinity = false;

  /** Does all that is left to do. */
  async finish(): Promise<void> {
    const { pool } = this;
    pool.engine.resume();
    while (pool.engine.stats().active + pool.engine.stats().queued > 0) {
      for (const worker of pool.alive) {
        worker.becomeReady();
        worker.begin();
        worker.finish();
      }
      pool.clock.advance(1);
      await pool.settle();
    }
  }
}

test('whatever happens, every task settles once, every count is right, and nothing stays', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { minLength: 5, maxLength: 60 }),
      fc.constantFrom(1, 1, 3),
      fc.constantFrom(undefined, 'queued' as const, 'all' as const),
      async (script, concurrency, reject) => {
        const trial = new Trial(concurrency);
        const { pool } = trial;
        for (const step of script) {
          if ('job' in step && step.options.affinity !== undefined) trial.hasAffinity = true;
          trial.do(step);
          if ('job' in step) continue;
          await pool.settle();
          trial.check();
          trial.checkNoneIdle();
        }
        if (reject === undefined) await trial.finish();
        const stopped = pool.engine.stop({ timeoutMs: 0, reject });
        for (const worker of pool.alive) worker.finish();
        await pool.settle();
        pool.clock.advance(0);
        await stopped;
        await Promise.allSettled([...trial.all, ...trial.calls.map(({ promise }) => promise)]);
        trial.check();
        expect(trial.calls.every(({ settled }) => settled === 1)).toBe(true);
        expect(pool.engine.stats()).toMatchObject({ state: 'stopped', active: 0, queued: 0 });
        expect(pool.alive).toEqual([]);
        expect(pool.clock.pending).toBe(0);
      },
    ),
    { numRuns: RUNS },
  );
});
