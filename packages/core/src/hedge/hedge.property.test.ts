import { getEventListeners } from 'node:events';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TaskContext } from '../core/index.ts';
import { ManualClock, settlePromises } from '../testing/index.ts';
import { HedgeBudget } from './hedge-budget.ts';
import { Hedge } from './hedge.ts';

const LINGER_MS = 50;

interface Try {
  readonly takesMs: number;
  readonly fails: boolean;
}

interface Plan {
  readonly startMs: number;
  readonly tries: readonly Try[];
  readonly abortMs: number;
}

const someTry: fc.Arbitrary<Try> = fc.record({
  takesMs: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constant(Infinity)),
  fails: fc.boolean(),
});

// Tries take whole ms, callers abort at a half, the delay has a 64th: so no two events of a call tie.
const somePlan: fc.Arbitrary<Plan> = fc.record({
  startMs: fc.nat(100),
  tries: fc.array(someTry, { minLength: 4, maxLength: 4 }),
  abortMs: fc.oneof(
    fc.nat(300).map((ms) => ms + 0.5),
    fc.constant(Infinity),
  ),
});

interface End {
  readonly what: string;
  readonly atMs: number;
  readonly begun: number;
}

/** What a call with no want of budget must come to. */
function expectedEnd({ tries, abortMs }: Plan, delayMs: number, maxHedges: number): End {
  const begun: { readonly endMs: number; readonly fails: boolean }[] = [];
  for (let n = 0; n <= maxHedges; n++) {
    const startMs = n * delayMs;
    const isOver = begun.some(({ endMs }) => endMs < startMs) || abortMs < startMs;
    if (isOver) break;
    const { takesMs, fails } = tries[n] as Try;
    begun.push({ endMs: startMs + takesMs, fails });
  }
  const wins = begun.map(({ endMs, fails }) => (fails ? Infinity : endMs));
  const winMs = Math.min(...wins);
  const lastMs = Math.max(...begun.map(({ endMs }) => endMs));
  const end =
    begun.every(({ fails }) => fails) || winMs === Infinity
      ? { what: 'try 1 failed', atMs: lastMs }
      : { what: `try ${wins.indexOf(winMs) + 1}`, atMs: winMs };
  return abortMs < end.atMs
    ? { what: 'gone', atMs: abortMs, begun: begun.length }
    : { ...end, begun: begun.length };
}

function runPlan(plan: Plan, hedge: Hedge, clock: ManualClock) {
  const settled: [string, number][] = [];
  const contexts: TaskContext[] = [];
  const controller = new AbortController();
  const task = (context: TaskContext): Promise<string> => {
    contexts.push(context);
    void context.signal;
    const { takesMs, fails } = plan.tries[context.attempt - 1] as Try;
    return new Promise((resolve, reject) => {
      if (takesMs === Infinity) return;
      const name = `try ${context.attempt}`;
      clock.schedule(takesMs, () => (fails ? reject(new Error(`${name} failed`)) : resolve(name)));
    });
  };
  clock.schedule(plan.startMs, () => {
    const note = (what: string): void => {
      settled.push([what, clock.nowMs() - plan.startMs]);
    };
    hedge
      .execute(task, { signal: controller.signal })
      .then(note, (error: unknown) => note(error instanceof Error ? error.message : String(error)));
    if (plan.abortMs < Infinity) {
      clock.schedule(plan.abortMs, () => controller.abort('gone'));
    }
  });
  return { settled, contexts, signal: controller.signal };
}

test('each call settles exactly once, by its first success, and ends every other try', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(somePlan, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 150 }).map((ms) => ms + 1 / 64),
      fc.integer({ min: 1, max: 3 }),
      async (plans, delayMs, maxHedges) => {
        const clock = new ManualClock();
        const hedge = new Hedge({ delayMs, maxHedges, budgetFloor: 1000, clock });
        const runs = plans.map((plan) => runPlan(plan, hedge, clock));
        await clock.run(1000);
        let hedged = 0;
        let wonByHedge = 0;
        plans.forEach((plan, at) => {
          const end = expectedEnd(plan, delayMs, maxHedges);
          const { settled, contexts, signal } = runs[at] as (typeof runs)[number];
          const hangs = end.atMs === Infinity;
          expect(settled).toEqual(hangs ? [] : [[end.what, end.atMs]]);
          expect(contexts.map(({ attempt }) => attempt)).toEqual(
            Array.from({ length: end.begun }, (_, n) => n + 1),
          );
          hedged += end.begun - 1;
          if (/^try [2-4]$/.test(end.what)) wonByHedge++;
          // Whoever still ran when the call was settled is told to end, and nobody else.
          contexts.forEach((context, n) => {
            const endMs = n * delayMs + (plan.tries[n] as Try).takesMs;
            expect(context.signal.aborted).toBe(endMs > end.atMs);
          });
          if (!hangs) expect(getEventListeners(signal, 'abort')).toEqual([]);
        });
        expect(hedge.stats()).toMatchObject({ hedged, wonByHedge, budgetExhausted: 0 });
        expect(clock.pending).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
});

test('of any calls in a row no more than the ratio and the floor are hedged', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.001, max: 1, noNaN: true }),
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.nat(3), { maxLength: 300 }),
      (ratio, floor, wishes) => {
        const budget = new HedgeBudget(ratio, floor);
        const made = wishes.map((wish) => {
          budget.deposit();
          return Array.from({ length: wish }, () => budget.withdraw()).filter(Boolean).length;
        });
        for (let from = 0; from < made.length; from += 7) {
          let hedges = 0;
          for (let to = from; to < made.length; to++) {
            hedges += made[to] as number;
            expect(hedges).toBeLessThanOrEqual((to - from + 1) * ratio + floor + 1e-6);
          }
        }
      },
    ),
  );
});

test('ten calls at a ratio of a tenth earn exactly one hedge', () => {
  const budget = new HedgeBudget(0.1, 1);
  expect([budget.withdraw(), budget.withdraw()]).toEqual([true, false]);
  for (let round = 0; round < 1000; round++) {
    for (let call = 0; call < 9; call++) budget.deposit();
    expect(budget.withdraw()).toBe(false);
    budget.deposit();
    expect(budget.withdraw()).toBe(true);
  }
});

test('100,000 calls leave no listener on the caller’s signal and no timer, and keep to the budget', async () => {
  const clock = new ManualClock();
  const hedge = new Hedge({ delayMs: 5, clock });
  const { signal } = new AbortController();
  const endings = new Map<number, number>([
    [0, 8],
    [1, 3],
  ]);
  let sent = 0;
  for (let batch = 0; batch < 100; batch++) {
    const calls = Array.from({ length: 1000 }, (_, n) =>
      hedge.execute(
        () => {
          sent++;
          const ms = endings.get(n % 4);
          if (ms === undefined) return n;
          return new Promise<number>((resolve) => {
            clock.schedule(ms, () => resolve(n));
          });
        },
        n % 2 === 0 ? { signal } : undefined,
      ),
    );
    await clock.run(20);
    await Promise.all(calls);
  }
  await settlePromises();
  const { calls, hedged, budgetExhausted } = hedge.stats();
  expect(calls).toBe(100_000);
  expect(hedged + budgetExhausted).toBe(25_000);
  expect(sent).toBe(calls + hedged);
  expect(hedged).toBeLessThanOrEqual(calls * 0.1 + 10);
  await clock.run(LINGER_MS);
  expect(clock.pending).toBe(0);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});
