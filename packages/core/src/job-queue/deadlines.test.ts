import { expect, test } from 'vitest';
import { QueueTrial } from '../../test/kit/tagged-job.ts';

/** What the door says to a call with so much time left. */
function ask(trial: QueueTrial, leftMs: number, wish: { priority?: number; key?: string } = {}) {
  const nowMs = trial.clock.nowMs();
  return trial.queue.door({ ...wish, deadlineAtMs: nowMs + leftMs }, nowMs);
}

test('a call that would not be done in time is refused at the door, and told when it would', () => {
  const trial = new QueueTrial({}, 2);
  trial.learn(100);
  for (let i = 0; i < 10; i++) trial.add('job');
  expect(ask(trial, 600)).toBe(0);
  const waitMs = ask(trial, 500);
  expect(waitMs).toBe(100);
  expect(trial.queue.refuse(waitMs)).toMatchObject({
    code: 'SLUICE_DEADLINE_EXCEEDED',
    policy: 'line',
    retryAfterMs: 100,
    message: 'line: the call would not be done by its deadline',
  });
  // In 100 ms two lanes serve two jobs.
  trial.take();
  trial.take();
  trial.clock.advance(100);
  expect(ask(trial, 500)).toBe(0);
});

test('a call that could not be done even alone is not told to come back', () => {
  const trial = new QueueTrial();
  trial.learn(100);
  expect(trial.queue.refuse(ask(trial, 50)).retryAfterMs).toBeUndefined();
});

test('calls are judged by what would be served before them, not by the whole queue', () => {
  const trial = new QueueTrial();
  trial.learn(100);
  for (let i = 0; i < 20; i++) trial.add('job', { key: 'loud' });
  expect(ask(trial, 500, { key: 'loud' })).toBeGreaterThan(0);
  expect(ask(trial, 500, { key: 'quiet' })).toBe(0);
  expect(ask(trial, 500)).toBe(0);
  expect(ask(trial, 500, { key: 'loud', priority: 1 })).toBe(0);
  expect(ask(trial, 500, { key: 'quiet', priority: -1 })).toBeGreaterThan(0);
  const last = new QueueTrial({ order: 'lifo' });
  last.learn(100);
  for (let i = 0; i < 20; i++) last.add('job');
  expect(ask(last, 150)).toBe(0);
});

test('short calls with short deadlines are let in beside long ones', () => {
  const trial = new QueueTrial({}, 4);
  for (let i = 0; i < 200; i++) trial.learn(i % 3 === 0 ? 5 : 150, 1);
  expect(trial.queue.meanRunMs).toBeGreaterThan(90);
  for (let i = 0; i < 3; i++) trial.add('job');
  expect(ask(trial, 50)).toBe(0);
});

test('a job is sent away at once when less is left than almost every run takes, wherever it stands', () => {
  const trial = new QueueTrial();
  trial.learn(100);
  trial.add('first');
  const job = trial.add('hasty', { deadlineMs: 300 });
  trial.clock.advance(199.9);
  expect(job.lost).toBeUndefined();
  trial.clock.advance(0.1);
  expect(job.lost).toMatchObject({ code: 'SLUICE_DEADLINE_EXCEEDED', retryAfterMs: undefined });
  expect(trial.takeAll()).toEqual(['first']);
  expect(trial.alarms.size).toBe(0);
});

test('a job waits on when runs have become shorter meanwhile, and is sent away in its time', () => {
  const trial = new QueueTrial();
  trial.learn(100);
  const [taken, left] = ['a', 'b'].map((name) => trial.add(name, { deadlineMs: 300 }));
  trial.learn(5, 60);
  trial.clock.advance(290);
  expect(taken?.lost).toBeUndefined();
  expect(trial.take()).toBe(taken);
  expect(left?.lost).toBeUndefined();
  trial.clock.advance(10);
  expect(left?.lost).toMatchObject({ code: 'SLUICE_DEADLINE_EXCEEDED' });
  expect(trial.queue.size).toBe(0);
  expect(trial.alarms.size).toBe(0);
});

test('a job whose turn comes when too little is left is not begun', () => {
  const trial = new QueueTrial();
  const job = trial.add('hasty', { deadlineMs: 300 });
  trial.learn(100);
  trial.clock.advance(201);
  expect(trial.take()).toBeUndefined();
  expect(job.lost).toMatchObject({ code: 'SLUICE_DEADLINE_EXCEEDED' });
});

test('calls that are all refused for what runs took once are let in again after a while', () => {
  const trial = new QueueTrial();
  trial.learn(2000);
  let atMs = 0;
  while (ask(trial, 100) > 0) trial.clock.advanceTo((atMs += 50));
  expect(atMs).toBeLessThan(40_000);
  expect(atMs).toBeGreaterThan(1000);
});
