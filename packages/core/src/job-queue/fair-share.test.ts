import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { QueueTrial, type TaggedJob } from '../../test/kit/tagged-job.ts';

test("one tenant's job behind a thousand of another is served within one round", () => {
  const trial = new QueueTrial({ capacity: 2000 });
  for (let i = 0; i < 1000; i++) trial.add('burst', { key: 'loud' });
  trial.add('small', { key: 'quiet' });
  trial.add('keyless');
  const first = [trial.take(), trial.take(), trial.take()].map((job) => job?.name);
  expect(first).toEqual(['burst', 'small', 'keyless']);
});

test('within a key jobs are served first come, first served', () => {
  const trial = new QueueTrial();
  for (const name of ['a1', 'a2', 'b1', 'a3', 'b2']) trial.add(name, { key: name.slice(0, 1) });
  expect(trial.takeAll()).toEqual(['a1', 'b1', 'a2', 'b2', 'a3']);
});

interface Tenant {
  readonly runMs: number;
  /** The time that its jobs have had on the lanes. */
  usedMs: number;
}

/** Keeps every tenant backlogged and all lanes busy for that many runs; tells what each of them got. */
function share(runsMs: readonly number[], lanes: number, runs: number): Tenant[] {
  const trial = new QueueTrial({ capacity: 1000 }, lanes);
  const tenants = runsMs.map((runMs) => ({ runMs, usedMs: 0 }));
  const busy: { readonly job: TaggedJob; readonly endMs: number; readonly runMs: number }[] = [];
  for (const at of tenants.keys()) for (let i = 0; i < 3; i++) trial.add('job', { key: `${at}` });
  const begin = (): void => {
    const job = trial.take() as TaggedJob;
    const { runMs } = tenants[Number(job.key)] as Tenant;
    trial.add('job', { key: job.key as string });
    busy.push({ job, endMs: trial.clock.nowMs() + runMs, runMs });
    busy.sort((a, b) => a.endMs - b.endMs);
  };
  for (let i = 0; i < lanes; i++) begin();
  for (let i = 0; i < runs; i++) {
    const { job, endMs, runMs } = busy.shift() as (typeof busy)[0];
    trial.clock.advanceTo(endMs);
    (tenants[Number(job.key)] as Tenant).usedMs += runMs;
    trial.queue.learn(job, runMs);
    begin();
  }
  return tenants;
}

test('a key with long runs gets no more of the lanes than one with short ones', () => {
  const [long, short] = share([100, 5], 4, 4000) as [Tenant, Tenant];
  expect(long.usedMs / short.usedMs).toBeGreaterThan(0.9);
  expect(long.usedMs / short.usedMs).toBeLessThan(1.1);
});

test('however long the runs of each key are, all backlogged keys get the same time but for a few runs', () => {
  const runs = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 2, maxLength: 6 });
  fc.assert(
    fc.property(runs, fc.integer({ min: 1, max: 4 }), (runsMs, lanes) => {
      const used = share(runsMs, lanes, 600).map(({ usedMs }) => usedMs);
      const longestMs = Math.max(...runsMs);
      const spreadMs = Math.max(...used) - Math.min(...used);
      // What is under way on the lanes, twice: uncharged at the start, and unlearned at the end.
      expect(spreadMs).toBeLessThanOrEqual((4 + 2 * lanes) * longestMs);
    }),
    { numRuns: 300 },
  );
});

test('a run of very many turns is paid back, and holds up neither its own key for ever nor the queue', () => {
  const trial = new QueueTrial({ capacity: 1000 });
  trial.learn(1);
  for (let i = 0; i < 4; i++) for (const key of ['a', 'b']) trial.add(key, { key });
  const first = trial.take() as TaggedJob;
  trial.queue.learn(first, 1e9);
  trial.learn(1, 500);
  expect(trial.takeAll()).toEqual(['b', 'b', 'b', 'b', 'a', 'a', 'a']);
});

test('a key is remembered for as long as it has waiting jobs, and no longer', () => {
  const trial = new QueueTrial({ capacity: 10_000 });
  for (let i = 0; i < 3000; i++) trial.add('job', { key: `tenant ${i}` });
  expect([...trial.queue]).toHaveLength(3000);
  trial.queue.dropAll('closed');
  trial.add('again', { key: 'tenant 7' });
  expect([...trial.queue].map(({ name }) => name)).toEqual(['again']);
});

test('fair shares hold within a priority, not between priorities', () => {
  const trial = new QueueTrial();
  for (const key of ['a', 'a', 'b']) trial.add(`${key} low`, { key });
  for (const key of ['a', 'a', 'b']) trial.add(`${key} high`, { key, priority: 1 });
  const high = ['a high', 'b high', 'a high'];
  expect(trial.takeAll()).toEqual([...high, 'a low', 'b low', 'a low']);
});

test('a job that is added a second time carries nothing of what it was charged before', () => {
  const trial = new QueueTrial();
  for (const key of ['a', 'a', 'b']) trial.add('job', { key });
  const job = trial.take() as TaggedJob;
  expect([job.tag, job.origin]).not.toEqual([0, undefined]);
  const other = new QueueTrial();
  other.queue.add(job);
  expect([job.tag, job.origin]).toEqual([0, undefined]);
});
