import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { expectedOf, type CallScript } from '../../test/kit/call-script.ts';
import { LONG_MS, runCalls, type Run } from '../../test/kit/run-calls.ts';
import type { Traits } from '../../test/kit/scripted-gate.ts';

const aTrait = fc.record({
  timed: fc.boolean(),
  keepsPlace: fc.boolean(),
  endsLate: fc.boolean(),
  judgement: fc.constantFrom('standard', 'standard', 'throws', 'success', 'failure', 'ignored'),
} as const);

const aMoment = fc.integer({ min: 1, max: 20 });

const aVerdict = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ kind: 'admit' } as const) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      afterMs: aMoment,
      next: fc.constantFrom('admit', 'admit', 'refuse'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('refuse', 'throw', 'wait-forever', 'wait-throw'),
    }),
  },
);

const aTask = fc.oneof(
  fc.record({
    kind: fc.constantFrom('value', 'throw', 'bad-then', 'never'),
    afterMs: fc.constant(0),
    error: fc.constantFrom('plain', 'refusal', 'timeout'),
  } as const),
  fc.record({
    kind: fc.constantFrom('resolve', 'reject', 'thenable', 'thenable-reject'),
    afterMs: fc.integer({ min: 0, max: 30 }),
    error: fc.constantFrom('plain', 'refusal', 'timeout'),
  } as const),
);

// Off the whole milliseconds on which all else happens, so that nothing hangs on the order in a tick.
const anAbort = fc.integer({ min: -1, max: 60 }).map((ms) => ms + 0.5);
const aDeadline = fc.integer({ min: -1, max: 60 }).map((ms) => ms + 0.25);
const orNot = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });

const aCall = (
  abortAfterMs: fc.Arbitrary<number | undefined>,
  deadlineMs: fc.Arbitrary<number | undefined>,
): fc.Arbitrary<CallScript> =>
  fc.record({
    startMs: fc.integer({ min: 0, max: 20 }),
    verdicts: fc.array(aVerdict, { minLength: 4, maxLength: 4 }),
    task: aTask,
    abortAfterMs,
    deadlineMs,
  });

const someGates = fc.array(aTrait, { minLength: 1, maxLength: 4 });
const someCalls = fc.array(aCall(orNot(anAbort), orNot(aDeadline)), { minLength: 1, maxLength: 6 });
const endlessCalls = fc.array(aCall(fc.constant(undefined), fc.constant(undefined)), {
  minLength: 1,
  maxLength: 6,
});

const unhandled: unknown[] = [];
const noteUnhandled = (error: unknown): void => void unhandled.push(error);

beforeEach(() => {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  process.on('unhandledRejection', noteUnhandled);
});

afterEach(() => {
  process.off('unhandledRejection', noteUnhandled);
  vi.restoreAllMocks();
});

async function expectNothingUnhandled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled.splice(0)).toEqual([]);
}

function expectAsTold(run: Run, traits: readonly Traits[], scripts: readonly CallScript[]): void {
  const expected = scripts.map((script, call) => expectedOf(call, script, traits));
  expect(run.stage.mistakes).toEqual([]);
  expected.forEach(({ settled, atMs, begun, visits }, call) => {
    const times = settled === undefined ? 0 : 1;
    expect(run.happened[call]).toEqual({ settled, atMs, times, begun: begun ? 1 : 0 });
    expect(run.stage.visits.filter((visit) => visit.call === call)).toEqual(visits);
  });
}

test('every call settles once, and every gate that let it in is left once, innermost first, with the right outcome', async () => {
  await fc.assert(
    fc.asyncProperty(someGates, someCalls, async (traits, scripts) => {
      expectAsTold(await runCalls(traits, scripts), traits, scripts);
    }),
    { numRuns: 1000 },
  );
  await expectNothingUnhandled();
});

test('only a call without an end keeps its place: of a task that never ends, or a wait that never does', async () => {
  await fc.assert(
    fc.asyncProperty(someGates, someCalls, async (traits, scripts) => {
      const { gates } = await runCalls(traits, scripts);
      const stuck = scripts.map(
        ({ task, verdicts }) =>
          task.kind === 'never' || verdicts.some(({ kind }) => kind === 'wait-forever'),
      );
      expect(gates.flatMap(({ inside }) => inside).filter((call) => !stuck[call])).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test('the direct way and the managed way behave alike', async () => {
  await fc.assert(
    fc.asyncProperty(someGates, endlessCalls, async (traits, scripts) => {
      const direct = await runCalls(traits, scripts);
      expectAsTold(direct, traits, scripts);
      const managed = [
        () => ({ priority: 1 }),
        () => ({ signal: new AbortController().signal }),
        () => ({ deadlineMs: 2 * LONG_MS }),
      ];
      for (const base of managed) {
        const { stage, happened } = await runCalls(traits, scripts, base);
        expect(happened).toEqual(direct.happened);
        expect(stage.visits).toEqual(direct.stage.visits);
        expect(stage.mistakes).toEqual([]);
      }
    }),
    { numRuns: 300 },
  );
  await expectNothingUnhandled();
});
