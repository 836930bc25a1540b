import { expect, test } from 'vitest';
import { LoadCollector } from './collector.ts';

const collector = (windowMs = 1000): LoadCollector =>
  new LoadCollector({ windowMs, succeeds: (status) => status < 400 });

test('what is offered is what was sent and what was dropped', () => {
  const counts = collector();
  for (let i = 0; i < 5; i++) counts.addSent(i);
  counts.addDropped('in-flight-limit');
  counts.addDropped('out-of-time', 3);
  expect(counts.sent).toBe(5);
  expect(counts.offered).toBe(9);
  expect(counts.lateMs.max).toBe(4);
});

test('an answer is a success by the rule, a refusal by 429 or 503, and else another status', () => {
  const counts = collector();
  for (const status of [200, 302, 429, 503, 404, 500]) counts.addAnswer(status, 1, 0);
  const { success, refusal, other } = counts.answers;
  expect([success.count, refusal.count, other.count]).toEqual([2, 2, 2]);
  expect(counts.statuses.get(503)).toBe(1);
});

test('a 503 that the rule expects is a success and no refusal', () => {
  const counts = new LoadCollector({ windowMs: 1000, succeeds: (status) => status === 503 });
  counts.addAnswer(503, 1, 0);
  expect(counts.answers.success.count).toBe(1);
  expect(counts.answers.refusal.count).toBe(0);
});

test('a service that answers everything two seconds later has its full rate', () => {
  const counts = collector(1000);
  for (let i = 0; i < 10; i++) counts.addAnswer(200, 2000, 2000 + i * 100);
  expect(counts.answers.success.inWindow).toBe(10);
});

test('a service that works off its queue after the run gets the rate at which it worked', () => {
  const counts = collector(1000);
  for (let i = 0; i < 100; i++) counts.addAnswer(200, i, i * 50);
  expect(counts.answers.success.count).toBe(100);
  expect(counts.answers.success.inWindow).toBe(20);
});

test('an interval counts from the one before it', () => {
  const counts = collector();
  counts.addSent(0);
  counts.addAnswer(200, 5, 0);
  expect(counts.takeInterval()).toMatchObject({ offered: 1, succeeded: 1, errors: 0 });
  counts.addSent(0);
  counts.addError('timeout');
  counts.addDropped('in-flight-limit');
  const second = counts.takeInterval();
  expect(second).toMatchObject({ offered: 2, succeeded: 0, errors: 1, dropped: 1 });
  expect(second.statuses.size).toBe(0);
  expect(counts.errors.get('timeout')).toBe(1);
});
