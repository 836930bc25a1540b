import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { CallContext, DeadlineExceededError, type ExecuteOptions } from '../core/index.ts';
import { ManualClock, settlePromises } from '../testing/index.ts';
import { Alarms } from '../collections/index.ts';
import { JobQueue } from './job-queue.ts';

function setup(capacity = 10) {
  const clock = new ManualClock();
  const queue = new JobQueue('line', capacity, new Alarms(clock));
  const log: string[] = [];
  const wait = (name: string, options?: ExecuteOptions): CallContext => {
    const context = new CallContext(clock, options);
    queue.wait(context, clock.nowMs()).then(
      (ticket) => log.push(`${name} got ${ticket}`),
      (error: unknown) => log.push(`${name} lost: ${String(error)}`),
    );
    return context;
  };
  /** Takes the next job, and admits it with `ticket`. */
  const admit = async (ticket = 0): Promise<void> => {
    queue.shift(clock.nowMs())?.admit(ticket);
    await settlePromises();
  };
  return { clock, queue, log, wait, admit };
}

test('a queue hands out its jobs first come, first served, each with its ticket', async () => {
  const { log, wait, admit } = setup();
  for (const name of ['a', 'b', 'c']) wait(name);
  for (const ticket of [-1, -2, -3]) await admit(ticket);
  expect(log).toEqual(['a got -1', 'b got -2', 'c got -3']);
});

test('an empty queue has no job to give', () => {
  const { queue } = setup();
  expect(queue.shift(0)).toBeUndefined();
  expect(queue.refuseAll(new Error('nobody hears it'))).toBe(0);
});

test('a job knows since when it waits', () => {
  const { clock, queue, wait } = setup();
  clock.advance(7);
  wait('a');
  clock.advance(5);
  expect(queue.shift(clock.nowMs())?.sinceMs).toBe(7);
});

test('a queue is full at its capacity, and one of capacity 0 always is', () => {
  const { queue, wait } = setup(2);
  expect(queue.full).toBe(false);
  wait('a');
  wait('b');
  expect(queue.full).toBe(true);
  expect(setup(0).queue.full).toBe(true);
});

test('a capacity lowered below the number of jobs sends nobody away', async () => {
  const { queue, log, wait, admit } = setup(5);
  for (const name of ['a', 'b', 'c']) wait(name);
  queue.capacity = 1;
  expect(queue.size).toBe(3);
  await admit();
  expect(queue.full).toBe(true);
  await admit();
  await admit();
  expect(log).toEqual(['a got 0', 'b got 0', 'c got 0']);
  expect(queue.full).toBe(false);
});

test('an aborted job leaves at once, from wherever it stands', async () => {
  const { queue, log, wait, admit } = setup();
  const contexts = ['a', 'b', 'c', 'd'].map((name) => wait(name));
  for (const at of [1, 0, 3]) contexts[at]?.abort('gone');
  expect(queue.size).toBe(1);
  await admit(-7);
  expect(log).toEqual(['b lost: gone', 'a lost: gone', 'd lost: gone', 'c got -7']);
});

test('a job whose call was aborted before it came never takes a place', async () => {
  const { clock, queue, log, wait } = setup();
  wait('late', { signal: AbortSignal.abort('hung up') });
  await settlePromises();
  expect(queue.size).toBe(0);
  expect(log).toEqual(['late lost: hung up']);
  expect(clock.pending).toBe(0);
});

test('a job is refused when its deadline passes, wherever it stands', async () => {
  const { clock, queue, log, wait } = setup();
  wait('patient', { deadlineMs: 50 });
  wait('hasty', { deadlineMs: 20 });
  await clock.run(19.999);
  expect(queue.size).toBe(2);
  await clock.run(0.001);
  expect(queue.size).toBe(1);
  const late = 'lost: DeadlineExceededError: line: the deadline passed while the call waited';
  expect(log).toEqual([`hasty ${late} in the queue`]);
});

test('a job that is late is never handed out, though nobody has noticed yet', async () => {
  const { clock, queue, log, wait } = setup();
  wait('late', { deadlineMs: 20 });
  wait('in time', { deadlineMs: 21 });
  expect(queue.shift(20)?.context.budgetMs).toBe(21);
  await settlePromises();
  expect(log).toHaveLength(1);
  expect(log[0]).toMatch(/^late lost: DeadlineExceededError/);
  expect(queue.size).toBe(0);
  expect(clock.pending).toBe(0);
});

test('a deadline in the queue ends the wait, and not the call that shares its context', async () => {
  const { clock, wait, log } = setup();
  const context = wait('inner', { deadlineMs: 20 });
  await clock.run(20);
  expect(log).toHaveLength(1);
  expect(context.aborted).toBe(false);
});

test('a job that was handed out is out of reach of its deadline and of its signal', async () => {
  const { clock, queue, log, wait } = setup();
  const context = wait('a', { deadlineMs: 20 });
  const job = queue.shift(0);
  expect(clock.pending).toBe(0);
  await clock.run(30);
  context.abort('too late');
  job?.admit(-1);
  await settlePromises();
  expect(log).toEqual(['a got -1']);
});

test('refusing all refuses each with the error, counts them, and leaves no timer', async () => {
  const { clock, queue, log, wait } = setup();
  wait('a', { deadlineMs: 20 });
  wait('b');
  expect(queue.refuseAll('closed')).toBe(2);
  await settlePromises();
  expect(log).toEqual(['a lost: closed', 'b lost: closed']);
  expect(queue.size).toBe(0);
  expect(clock.pending).toBe(0);
});

test('the error of a job that came too late is a refusal that names the queue', async () => {
  const { clock, queue } = setup();
  const waiting = queue.wait(new CallContext(clock, { deadlineMs: 5 }), 0);
  clock.advance(5);
  await expect(waiting).rejects.toBeInstanceOf(DeadlineExceededError);
  await expect(waiting).rejects.toMatchObject({ policy: 'line', retryAfterMs: undefined });
});

test('jobs with deadlines share one timer, and without a deadline there is none', () => {
  const { clock, wait } = setup(1000);
  for (let i = 0; i < 100; i++) wait(`plain ${i}`);
  expect(clock.pending).toBe(0);
  for (let i = 0; i < 100; i++) wait(`timed ${i}`, { deadlineMs: 10 + i });
  expect(clock.pending).toBe(1);
});

test('a job that is gone has left no listener at its context, whichever way it went', async () => {
  const { clock, queue, admit } = setup();
  const context = new CallContext(clock, { deadlineMs: 10 });
  const added = vi.spyOn(context, 'onAbort');
  const removed = vi.spyOn(context, 'offAbort');
  const listeners = (): number => added.mock.calls.length - removed.mock.calls.length;
  const waits = [1, 2, 3].map(() => queue.wait(context, 0));
  expect(listeners()).toBe(3);
  await admit();
  expect(listeners()).toBe(2);
  queue.refuseAll('closed');
  expect(listeners()).toBe(0);
  waits.push(queue.wait(context, 0));
  clock.advance(10);
  expect(listeners()).toBe(0);
  expect(removed.mock.calls).toEqual(added.mock.calls);
  await Promise.allSettled(waits);
});

const act = fc.oneof(
  { weight: 4, arbitrary: fc.record({ wait: fc.option(fc.integer({ min: 1, max: 40 })) }) },
  { weight: 3, arbitrary: fc.constant({ shift: true }) },
  { weight: 2, arbitrary: fc.record({ abort: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ advance: fc.integer({ min: 0, max: 15 }) }) },
);

test('every job is admitted in order and in time, or refused once, and none is forgotten', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 50 }), async (acts) => {
      const { clock, queue, log, wait, admit } = setup(1000);
      const contexts: CallContext[] = [];
      let waiting: number[] = [];
      const expected: string[] = [];
      for (const step of acts) {
        if ('wait' in step) {
          waiting.push(contexts.length);
          const { wait: deadlineMs } = step;
          contexts.push(wait(`${contexts.length}`, deadlineMs === null ? {} : { deadlineMs }));
        } else if ('advance' in step) {
          await clock.run(step.advance);
          waiting = waiting.filter((i) => (contexts[i] as CallContext).deadlineMs > 0);
        } else if ('shift' in step) {
          const next = waiting.shift();
          if (next !== undefined) expected.push(`${next} got 0`);
          await admit();
        } else if (contexts.length > 0) {
          const index = step.abort % contexts.length;
          waiting = waiting.filter((i) => i !== index);
          (contexts[index] as CallContext).abort('aborted');
        }
        await settlePromises();
        expect(queue.size).toBe(waiting.length);
        expect(clock.pending).toBeLessThanOrEqual(1);
      }
      queue.refuseAll('closed');
      await settlePromises();
      expect(log.filter((line) => line.includes('got'))).toEqual(expected);
      expect(log).toHaveLength(contexts.length);
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 500 },
  );
});
