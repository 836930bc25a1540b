import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { QueueTrial, TaggedJob } from '../../test/kit/tagged-job.ts';
import { resolveQueueOptions } from './options.ts';

const ageingMs = 100;

test('of jobs that came together the higher priority goes first', () => {
  const trial = new QueueTrial();
  for (const priority of [0, -8, 7, 1, -1]) trial.add(`${priority}`, { priority });
  expect(trial.takeAll()).toEqual(['7', '1', '0', '-1', '-8']);
});

test('a job overtakes those that came up to the ageing time before it, for each step', () => {
  const table = [
    { laterMs: 199, first: 'urgent' },
    { laterMs: 200, first: 'urgent' },
    { laterMs: 201, first: 'patient' },
  ];
  for (const { laterMs, first } of table) {
    const trial = new QueueTrial({ ageingMs });
    trial.add('patient');
    trial.clock.advance(laterMs);
    trial.add('urgent', { priority: 2 });
    expect(trial.take()?.name, `${laterMs} ms later`).toBe(first);
  }
});

test('a flood of urgent jobs does not starve one that is not', () => {
  const trial = new QueueTrial({ ageingMs });
  trial.add('patient', { priority: -8 });
  let served = 0;
  for (let name; name !== 'patient'; name = trial.take()?.name, served++) {
    trial.add('urgent', { priority: 7 });
    trial.clock.advance(1);
  }
  expect(served).toBe(15 * ageingMs + 2);
});

test('whatever comes, the next job is the one whose arrival less its head start is earliest', () => {
  const arrival = fc.record({
    gapMs: fc.integer({ min: 0, max: 150 }),
    priority: fc.integer({ min: -8, max: 7 }),
    takes: fc.integer({ min: 0, max: 2 }),
  });
  const dueMs = ({ sinceMs, priority }: TaggedJob): number => sinceMs - priority * ageingMs;
  fc.assert(
    fc.property(fc.array(arrival, { maxLength: 60, size: 'max' }), (arrivals) => {
      const trial = new QueueTrial({ ageingMs });
      const served: TaggedJob[] = [];
      let waiting: TaggedJob[] = [];
      const takeOne = (): void => {
        const expected = waiting.toSorted((a, b) => dueMs(a) - dueMs(b) || b.priority - a.priority);
        const job = trial.take();
        expect(job).toBe(expected[0]);
        waiting = waiting.filter((other) => other !== job);
        if (job) served.push(job);
      };
      for (const { gapMs, priority, takes } of arrivals) {
        trial.clock.advance(gapMs);
        waiting.push(trial.add('job', { priority }));
        for (let i = 0; i < takes; i++) takeOne();
      }
      while (waiting.length > 0) takeOne();
      for (const [at, job] of served.entries()) {
        for (const { sinceMs, priority } of served.slice(0, at)) {
          const headStartMs = Math.max(0, priority - job.priority) * ageingMs;
          expect(sinceMs - job.sinceMs).toBeLessThanOrEqual(headStartMs);
        }
      }
    }),
    { numRuns: 1000 },
  );
});

test('a priority that is none, or out of bounds, is refused and leaves no trace', () => {
  const trial = new QueueTrial();
  for (const priority of [8, -9, 0.5, Number.NaN, Infinity]) {
    expect(() => trial.add('odd', { priority })).toThrow(
      `JobQueue: the priority of a job must be an integer from -8 to 7, got ${priority}.`,
    );
  }
  const timeless = new TaggedJob('odd', Number.NaN, { priority: 1 });
  expect(() => trial.queue.add(timeless)).toThrow('must say since when it waits');
  expect(trial.queue.size).toBe(0);
  expect(trial.take()).toBeUndefined();
});

test('jobs that came while nobody asked for the time count as of when the first priority came', () => {
  const trial = new QueueTrial({ ageingMs });
  const plain = new TaggedJob('plain', Number.NaN, {});
  trial.queue.add(plain);
  expect(trial.queue.timed).toBe(false);
  trial.clock.advance(1000);
  trial.add('slow', { priority: -1 });
  expect(trial.queue.timed).toBe(true);
  trial.clock.advance(201);
  trial.add('urgent', { priority: 1 });
  expect(trial.takeAll()).toEqual(['plain', 'slow', 'urgent']);
  expect(trial.queue.timed).toBe(false);
});

test('a new ageing time counts for those who wait already', () => {
  const trial = new QueueTrial({ ageingMs });
  trial.add('patient');
  trial.clock.advance(500);
  trial.add('urgent', { priority: 1 });
  trial.queue.update(resolveQueueOptions({ ageingMs: 1000 }));
  expect(trial.takeAll()).toEqual(['urgent', 'patient']);
});

test('a queue that changes its order files those who wait in the order in which they came', () => {
  const trial = new QueueTrial();
  for (const [at, key] of ['a', 'b', 'a', 'b', undefined].entries()) {
    trial.add(`${at}`, key === undefined ? { priority: at } : { key });
  }
  trial.queue.update(resolveQueueOptions({ order: 'lifo' }));
  trial.add('new');
  expect(trial.take()?.name).toBe('new');
  expect(trial.take()?.name).toBe('4');
  trial.queue.update(resolveQueueOptions({ order: 'fifo' }));
  expect(trial.takeAll()).toEqual(['0', '1', '2', '3']);
});
