import { expect, test } from 'vitest';
import { JobKinds } from './job-kinds.ts';
import { PoisonList } from './poison.ts';
import { ThreadJob } from './thread-job.ts';

const kinds = new JobKinds('pool');
const owner = { onDropped: (): void => undefined };
const task = (name: string, input: unknown): ThreadJob =>
  new ThreadJob(owner, kinds.find(name), input, 0);

test('a task that has killed two workers is poisoned, whoever submits it again', () => {
  const poison = new PoisonList();
  poison.note(task('parse', { size: 7 }));
  expect(poison.isPoisoned(task('parse', { size: 7 }))).toBe(false);
  poison.note(task('parse', { size: 7 }));
  expect(poison.isPoisoned(task('parse', { size: 7 }))).toBe(true);
});

test('another input of the same job, and the same input of another job, are not', () => {
  const poison = new PoisonList();
  for (let i = 0; i < 2; i++) poison.note(task('parse', { size: 7 }));
  expect(poison.isPoisoned(task('parse', { size: 8 }))).toBe(false);
  expect(poison.isPoisoned(task('render', { size: 7 }))).toBe(false);
});

test('an input that cannot be written down is never held to be poisoned', () => {
  const poison = new PoisonList();
  const shared = new SharedArrayBuffer(8);
  for (let i = 0; i < 3; i++) poison.note(task('parse', shared));
  expect(poison.isPoisoned(task('parse', shared))).toBe(false);
});

test('of many killers the oldest is forgotten', () => {
  const poison = new PoisonList();
  for (let i = 0; i < 2; i++) poison.note(task('parse', 'oldest'));
  for (let i = 0; i < 255; i++) poison.note(task('parse', i));
  expect(poison.isPoisoned(task('parse', 'oldest'))).toBe(true);
  poison.note(task('parse', 'one more'));
  expect(poison.isPoisoned(task('parse', 'oldest'))).toBe(false);
});
