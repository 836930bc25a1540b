import { expect, test } from 'vitest';

import { Load } from './load.ts';

/** One of which it is known that it answers in `ms`, and that has nothing to do. */
function answersIn(ms: number): Load {
  const load = new Load();
  load.send(0);
  load.answer(0, 0, ms);
  load.end();
  return load;
}

test('a request costs the latency times the requests that are under way with it', () => {
  const load = answersIn(10);
  expect(load.cost(0)).toBe(10);
  load.send(0);
  load.send(0);
  expect(load.cost(0)).toBe(30);
});

test('a target of which nothing is known costs nothing until it has a request, then much until it answers', () => {
  const load = new Load();
  expect(load.cost(0)).toBe(0);
  load.send(0);
  expect(load.cost(1)).toBe(2000);
  load.answer(4, 0, 4);
  expect(load.cost(4)).toBe(8);
});

test('a target that hangs gets dearer before it answers', () => {
  const load = answersIn(10);
  load.send(0);
  expect(load.cost(0)).toBe(20);
  expect(load.cost(500)).toBe(1000);
});

test('a long body is no latency, but it is load', () => {
  const load = answersIn(10);
  load.send(0);
  load.answer(10, 0, 10);
  expect(load.cost(10)).toBeCloseTo(20, 1);
  expect(load.cost(5000)).toBeLessThan(20);
});

test('a target that refuses at once is not fast: each failure doubles what it costs, up to a bound', () => {
  const load = answersIn(10);
  const costs = [1, 2, 3].map(() => {
    load.send(0);
    load.giveUp(0);
    load.end();
    load.chargeFailure(0, 0.2);
    return load.cost(0);
  });
  expect(costs).toEqual([20, 40, 80]);
  for (let i = 0; i < 20; i++) load.chargeFailure(0, 0.2);
  expect(load.cost(0)).toBe(10_000);
});

test('a failure that took long counts as long as it took', () => {
  const load = answersIn(10);
  load.chargeFailure(0, 30_000);
  expect(load.cost(0)).toBe(30_000);
});

test('a request that its client gave up counts only where it had waited longer than usual', () => {
  const load = answersIn(10);
  load.chargeAtLeast(0, 3);
  expect(load.cost(0)).toBe(10);
  load.chargeAtLeast(0, 25);
  expect(load.cost(0)).toBe(25);
});

test('the age of requests is exact again when none is left, whatever was rounded before', () => {
  const load = answersIn(1);
  const sentMs = [1e9 + 0.1, 1e9 + 0.7, 1e9 + 1.3];
  for (const each of sentMs) load.send(each);
  for (const each of sentMs) {
    load.giveUp(each);
    load.end();
  }
  load.send(2e9);
  expect(load.cost(2e9)).toBeCloseTo(0.02, 9);
});
