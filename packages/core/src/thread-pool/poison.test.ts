import { describe, expect, test } from 'vitest';
import { JobKind } from './job-kinds.ts';
import { PoisonList } from './poison.ts';
import { ThreadJob } from './thread-job.ts';

const resize = new JobKind({ id: 0, name: 'resize', source: undefined });
const hash = new JobKind({ id: 1, name: 'hash', source: undefined });

function jobOf(kind: JobKind, input: unknown, sinceMs = 0): ThreadJob {
  return new ThreadJob({ onDropped: () => undefined }, kind, input, sinceMs);
}

describe('a task is poisoned', () => {
  test('once it has killed two workers, whoever submits it', () => {
    const list = new PoisonList();
    list.note(jobOf(resize, { width: 1 }), 0);
    expect(list.isPoisoned(jobOf(resize, { width: 1 }))).toBe(false);
    list.note(jobOf(resize, { width: 1 }), 1);
    expect(list.isPoisoned(jobOf(resize, { width: 1 }))).toBe(true);
  });

  test('and neither another input of its job is, nor another job with its input', () => {
    const list = new PoisonList();
    for (const atMs of [0, 1]) list.note(jobOf(resize, { width: 1 }), atMs);
    expect(list.isPoisoned(jobOf(resize, { width: 2 }))).toBe(false);
    expect(list.isPoisoned(jobOf(hash, { width: 1 }))).toBe(false);
  });

  test('for ten minutes', () => {
    const list = new PoisonList();
    for (const atMs of [0, 1000]) list.note(jobOf(resize, 1), atMs);
    expect(list.isPoisoned(jobOf(resize, 1, 601_000))).toBe(true);
    expect(list.isPoisoned(jobOf(resize, 1, 601_001))).toBe(false);
  });

  test('but not when it has succeeded in between: then it was there by chance', () => {
    const list = new PoisonList();
    list.note(jobOf(resize, 1), 0);
    list.clear(jobOf(resize, 1));
    list.note(jobOf(resize, 1), 1);
    expect(list.isPoisoned(jobOf(resize, 1))).toBe(false);
  });
});

test('an input that cannot be read is never poisoned', () => {
  const list = new PoisonList();
  for (const atMs of [0, 1])
    list.note(
      jobOf(resize, () => 1),
      atMs,
    );
  expect(list.isPoisoned(jobOf(resize, () => 1))).toBe(false);
});

test('the list keeps the last 256 killers', () => {
  const list = new PoisonList();
  for (let i = 0; i < 300; i++) for (const atMs of [0, 1]) list.note(jobOf(resize, i), atMs);
  expect(list.isPoisoned(jobOf(resize, 43))).toBe(false);
  expect(list.isPoisoned(jobOf(resize, 44))).toBe(true);
});

test('an input is read once for each task, and not at all where no task of its job has killed a worker', () => {
  const list = new PoisonList();
  let reads = 0;
  const input = {
    get width(): number {
      return ++reads && 1;
    },
  };
  list.note(jobOf(hash, 1), 0);
  expect(list.isPoisoned(jobOf(resize, input))).toBe(false);
  expect(reads).toBe(0);
  list.note(jobOf(resize, { width: 1 }), 0);
  const job = jobOf(resize, input);
  expect(list.isPoisoned(job)).toBe(false);
  const once = reads;
  expect(list.isPoisoned(job)).toBe(false);
  list.note(job, 1);
  expect(list.isPoisoned(job)).toBe(true);
  list.clear(job);
  expect(reads).toBe(once);
});

describe('the tasks of a job are looked at no more', () => {
  const untouchable = {
    get width(): never {
      throw new Error('the input was read');
    },
  };
  const isRead = (list: PoisonList, atMs: number): boolean => {
    const job = jobOf(resize, untouchable, atMs);
    list.isPoisoned(job);
    return job.fingerprint !== undefined;
  };

  test('ten minutes after the last of them killed a worker, though it never came again', () => {
    const list = new PoisonList();
    list.note(jobOf(resize, 1), 0);
    expect(isRead(list, 600_000)).toBe(true);
    expect(isRead(list, 600_001)).toBe(false);
  });

  test('once all that had killed a worker have succeeded', () => {
    const list = new PoisonList();
    for (const input of [1, 2]) list.note(jobOf(resize, input), 0);
    list.clear(jobOf(resize, 1));
    expect(isRead(list, 1)).toBe(true);
    list.clear(jobOf(resize, 2));
    list.note(jobOf(hash, 1), 0);
    expect(isRead(list, 1)).toBe(false);
  });
});

test('an input above 64 KiB is never poisoned, as to know it again would cost too much', () => {
  const list = new PoisonList();
  const large = 'x'.repeat(70_000);
  for (const atMs of [0, 1]) list.note(jobOf(resize, large), atMs);
  expect(list.isPoisoned(jobOf(resize, large))).toBe(false);
});
