import { expect, test } from 'vitest';
import { JobKinds } from './job-kinds.ts';

test('a job that never ran is taken to cost a second, so nothing is handed ahead of it', () => {
  expect(new JobKinds('pool').find('job').costMs).toBe(1000);
});

test('a job is expected to take what its last runs took, and what they differed by', () => {
  const kind = new JobKinds('pool').find('job');
  for (let i = 0; i < 100; i++) kind.learn(2);
  expect(kind.costMs).toBeCloseTo(2, 5);
  for (let i = 0; i < 200; i++) kind.learn(i % 2 === 0 ? 1 : 3);
  expect(kind.costMs).toBeGreaterThan(2.5);
  expect(kind.costMs).toBeLessThan(4);
  for (let i = 0; i < 200; i++) kind.learn(0.01);
  expect(kind.costMs).toBeCloseTo(0.01, 2);
});

test('jobs are numbered in the order in which they came, and found by name', () => {
  const kinds = new JobKinds('pool');
  const first = kinds.find('first');
  const second = kinds.define('second', (x: number) => x);
  expect(kinds.find('first')).toBe(first);
  expect([first.definition.id, second.definition.id]).toEqual([0, 1]);
  expect(kinds.since(1).map(({ name }) => name)).toEqual(['second']);
});

test('once the module is loaded, a name that it does not export is refused', () => {
  const kinds = new JobKinds('pool');
  kinds.find('asked before');
  kinds.learnExports(['resize', 'rotate']);
  expect(() => kinds.find('missing')).toThrow(/resize, rotate/u);
  expect(() => kinds.define('resize', () => 1)).toThrow(/a name that no other job has/u);
  expect(kinds.find('rotate').definition.name).toBe('rotate');
});
