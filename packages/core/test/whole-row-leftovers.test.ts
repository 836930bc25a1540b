import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { SeededRandom } from '../src/testing/index.ts';
import { GONE, RowCalls, type RowCall, type RowResult, type TryScript } from './kit/row-calls.ts';
import { ALL_OVER_MS, WholeRow } from './kit/whole-row.ts';

const CALLS = 100_000;
/** Calls that come in the same millisecond. */
const CROWD = 250;

const KINDS = ['succeed', 'fail', 'hang', 'late', 'heed', 'refuse', 'throw'] as const;

/** Most tasks answer at once, as most tasks do; the others take all the ways that there are. */
function aCall(random: SeededRandom, isDown: boolean): RowCall {
  const upTo = (end: number): number => Math.floor(random.next() * end);
  const aTry = (): TryScript => {
    const does =
      random.next() < 0.8 ? (isDown ? 'fail' : 'return') : (KINDS[upTo(KINDS.length)] ?? 'return');
    return { does, afterMs: upTo(80) };
  };
  return {
    tries: [aTry(), aTry()],
    abortAfterMs: random.next() < 0.1 ? upTo(100) : undefined,
    deadlineMs: random.next() < 0.2 ? 1 + upTo(200) : undefined,
    readsSignal: random.next() < 0.2,
  };
}

async function send(row: WholeRow, shared: AbortSignal): Promise<readonly RowResult[]> {
  const random = new SeededRandom(7);
  const calls = new RowCalls(row);
  const unsettled = new Set<RowResult>();
  for (let sent = 0; sent < CALLS; sent += CROWD) {
    const isDown = sent % (CALLS / 4) < CALLS / 20;
    for (let i = 0; i < CROWD; i++) {
      unsettled.add(calls.start(aCall(random, isDown), i % 3 === 0 ? shared : undefined));
    }
    await row.clock.run(20);
    for (const result of unsettled) if (result.settled === 1) unsettled.delete(result);
  }
  await row.clock.run(ALL_OVER_MS);
  expect(calls.mistakes).toEqual([]);
  return [...unsettled].filter(({ settled }) => settled !== 1);
}

test('after 100,000 calls of every kind no listener, no timer, no lane and no permit is left', async () => {
  const row = new WholeRow(1, { ratePerSecond: 12_000, capacity: 250 });
  row.pool.update({ size: 64, queue: 256 });
  const owner = new AbortController();
  expect(await send(row, owner.signal)).toEqual([]);
  expect(getEventListeners(owner.signal, 'abort')).toHaveLength(0);
  expect(row.leftovers()).toEqual([]);
  expect(row.retry.stats().calls).toBe(CALLS);
  const met = { ...row.retry.stats(), ...row.breaker.stats(), ...row.pool.stats() };
  const ways = ['recovered', 'aborted', 'timedOut', 'notPermitted', 'abandoned'] as const;
  expect(ways.filter((way) => met[way] < 100)).toEqual([]);

  // A signal that has served them all ends what is under way, and is let go of then, too.
  const last = row.pipeline.execute(() => new Promise(() => undefined), { signal: owner.signal });
  owner.abort(GONE);
  await expect(last).rejects.toBe(GONE);
  await row.clock.run(ALL_OVER_MS);
  expect(getEventListeners(owner.signal, 'abort')).toHaveLength(0);
  expect(row.leftovers()).toEqual([]);
});
