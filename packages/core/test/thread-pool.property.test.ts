import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ThreadPool } from '../src/index.ts';
import type * as jobs from './kit/threads/jobs.ts';
import { expectBalanced, jobsPool, until } from './kit/threads/pools.ts';
import { Stage } from './kit/threads/stage.ts';

/*
 * Random sequences of all that can be done to a pool with real threads. Whatever happens, every task settles
 * exactly once, the counts agree with what the callers were told and with what the workers saw, and no more
 * tasks run at a time than there are workers.
 */

const RUNS = Number(process.env['SLUICE_PROPERTY_RUNS'] ?? 12);

type Act =
  | { readonly act: 'submit'; readonly plan: Plan; readonly times: number }
  | { readonly act: 'abort' | 'resize' | 'yield'; readonly n: number }
  | { readonly act: 'pause' | 'resume' | 'settle' };

interface Plan {
  readonly job: (typeof JOBS)[number];
  readonly priority: number;
  readonly key: string | undefined;
  readonly affinity: string | undefined;
  readonly idempotent: boolean;
  readonly deadlineMs: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly isAbortable: boolean;
}

const JOBS = [
  'echo',
  'echo',
  'visit',
  'visit',
  'burn',
  'soon',
  'uncloneable',
  'exit',
  'spin',
] as const;

const plans: fc.Arbitrary<Plan> = fc.record({
  job: fc.constantFrom(...JOBS),
  priority: fc.integer({ min: -8, max: 7 }),
  key: fc.constantFrom(undefined, undefined, 'a', 'b'),
  affinity: fc.constantFrom(undefined, undefined, undefined, 'x', 'y'),
  idempotent: fc.boolean(),
  deadlineMs: fc.constantFrom(undefined, undefined, 0, 1, 5, 1000),
  timeoutMs: fc.constantFrom(undefined, undefined, 1, 5, 1000),
  isAbortable: fc.boolean(),
});

const acts: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      act: fc.constant('submit' as const),
      plan: plans,
      times: fc.constantFrom(1, 1, 2, 8),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constantFrom('abort' as const, 'yield' as const),
      n: fc.nat(20),
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('resize' as const), n: fc.nat(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constantFrom('pause' as const, 'resume' as const, 'settle' as const),
    }),
  },
);

interface Call {
  readonly controller: AbortController;
  settled: number;
  answer: 'completed' | 'failed' | 'aborted' | 'late' | 'refused';
  /** False where its time was over before, which is not counted. */
  readonly hasCome: boolean;
}

const LATE = new Set(['DeadlineExceededError']);
const REFUSED = new Set(['QueueFullError', 'PoolStoppedError']);
const GONE = new Error('gone');

/** A pool, what was asked of it, and what became of that. */
class Trial {
  readonly pool: ThreadPool<typeof jobs> = jobsPool({
    size: 2,
    queue: 30,
    graceMs: 1,
    restartBackoff: { type: 'constant', delayMs: 1 },
  });
  /** For those that end by themselves, and are counted; and for those that do not. */
  readonly stage: Stage = new Stage();
  readonly abyss: Stage = new Stage();
  readonly calls: Call[] = [];
  isResized = false;
  crashes = 0;

  constructor() {
    this.pool.on('crash', () => this.crashes++);
  }

  async do(act: Act): Promise<void> {
    switch (act.act) {
      case 'submit':
        for (let i = 0; i < act.times; i++) this.submit(act.plan);
        return;
      case 'abort':
        return this.calls.at(-1 - act.n)?.controller.abort(GONE);
      case 'resize':
        this.isResized = true;
        return this.pool.resize(1 + act.n);
      case 'yield':
        for (let i = 0; i < act.n; i++) await new Promise((resolve) => setImmediate(resolve));
        return;
      case 'settle':
        this.pool.resume();
        return await this.pool.drain();
      case 'pause':
        return this.pool.pause();
      case 'resume':
        return this.pool.resume();
    }
  }

  submit({ job, isAbortable, ...all }: Plan): void {
    // Whoever is counted must go in good order, so nothing may end it.
    const isCounted = job === 'visit';
    const rest = isCounted ? { ...all, timeoutMs: undefined, deadlineMs: undefined } : all;
    const controller = new AbortController();
    const call: Call = {
      controller,
      settled: 0,
      answer: 'completed',
      hasCome: rest.deadlineMs !== 0,
    };
    this.calls.push(call);
    // What never ends by itself is ended by its caller.
    const timeoutMs = job === 'spin' ? (rest.timeoutMs ?? 5) : rest.timeoutMs;
    const signal = isAbortable && !isCounted ? controller.signal : undefined;
    const run = this.pool.submit(this.task(job), { ...rest, timeoutMs, signal });
    const settle = (answer: Call['answer']): void => {
      call.settled++;
      call.answer = answer;
    };
    run.then(
      () => settle('completed'),
      (error: unknown) => settle(answerOf(error as Error)),
    );
  }

  task(job: Plan['job']): { readonly job: string; readonly input?: unknown } {
    if (job === 'visit') return { job, input: this.stage.buffer };
    if (job === 'exit' || job === 'spin') return { job, input: this.abyss.buffer };
    return { job, input: job === 'burn' ? 1 : 'text' };
  }

  /** What the callers were told, by kind. */
  told(answer: Call['answer']): number {
    return this.calls.filter((call) => call.hasCome && call.answer === answer).length;
  }
}

function answerOf(error: Error): Call['answer'] {
  if (error === GONE) return 'aborted';
  if (LATE.has(error.name)) return 'late';
  return REFUSED.has(error.name) ? 'refused' : 'failed';
}

function check(trial: Trial): void {
  const { pool, calls, crashes } = trial;
  const stats = pool.stats();
  expect(calls.every(({ settled }) => settled === 1)).toBe(true);
  expectBalanced(pool);
  expect(stats).toMatchObject({
    submitted: calls.filter(({ hasCome }) => hasCome).length,
    completed: trial.told('completed'),
    failed: trial.told('failed'),
    active: 0,
    queued: 0,
    crashes,
  });
  expect(stats.aborted).toBe(trial.told('aborted'));
  expect(stats.expired + stats.rejected).toBe(trial.told('late') + trial.told('refused'));
}

test('whatever is done to a pool, every task settles once and every count is right', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(acts, { minLength: 5, maxLength: 40 }),
      fc.constantFrom('drain', 'stop', 'reject queued', 'reject all'),
      async (script, end) => {
        const trial = new Trial();
        const { pool } = trial;
        for (const act of script) {
          await trial.do(act);
          expectBalanced(pool);
        }
        pool.resume();
        if (end === 'drain') await pool.drain();
        const reject =
          end === 'reject all' ? 'all' : end === 'reject queued' ? 'queued' : undefined;
        const result = await pool.stop({ reject, timeoutMs: 60_000 });
        expect(result.running).toBe(0);
        await until(() => trial.calls.every(({ settled }) => settled > 0));
        check(trial);
        // Workers that are to go may still run what they have begun when others have come.
        expect(trial.stage.most).toBeLessThanOrEqual(trial.isResized ? 6 : 2);
        expect(pool.stats().workers).toEqual([]);
      },
    ),
    { numRuns: RUNS },
  );
});
