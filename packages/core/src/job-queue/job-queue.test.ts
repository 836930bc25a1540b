import { expect, test } from 'vitest';
import { Alarms } from '../collections/index.ts';
import { ManualClock } from '../testing/index.ts';
import { JobQueue } from './job-queue.ts';
import { resolveQueueOptions, type QueueOptions } from './options.ts';
import { QueuedJob } from './queued-job.ts';

class NamedJob extends QueuedJob {
  readonly name: string;
  readonly #log: string[];

  constructor(name: string, log: string[]) {
    super();
    this.name = name;
    this.#log = log;
  }

  override drop(error: unknown): void {
    this.#log.push(`${this.name} lost: ${String(error)}`);
  }
}

interface Wish {
  readonly deadlineMs?: number;
  readonly priority?: number;
  readonly key?: string;
}

function setup(given: QueueOptions = {}, lanes = 1) {
  const clock = new ManualClock();
  const alarms = new Alarms(clock);
  const queue = new JobQueue<NamedJob>({ name: 'line', alarms, lanes }, resolveQueueOptions(given));
  const log: string[] = [];
  const add = (name: string, wish: Wish = {}): NamedJob => {
    const job = new NamedJob(name, log);
    job.sinceMs = clock.nowMs();
    job.deadlineAtMs = clock.nowMs() + (wish.deadlineMs ?? Infinity);
    job.priority = wish.priority ?? 0;
    job.key = wish.key;
    queue.add(job, clock.nowMs());
    return job;
  };
  const take = (): string | undefined => queue.take(clock.nowMs())?.name;
  return { clock, alarms, queue, log, add, take };
}

test('a queue hands out its jobs first come, first served', () => {
  const { add, take } = setup();
  for (const name of ['a', 'b', 'c']) add(name);
  expect([take(), take(), take(), take()]).toEqual(['a', 'b', 'c', undefined]);
});

test('jobs without deadline, priority and key need no time at all', () => {
  const { queue, log } = setup();
  const jobs = ['a', 'b', 'c'].map((name) => new NamedJob(name, log));
  for (const job of jobs) queue.add(job);
  expect(queue.timed).toBe(false);
  expect(queue.door()).toBe(0);
  expect(jobs.map(() => queue.take())).toEqual(jobs);
});

test('an empty queue has no job to give', () => {
  const { queue, take } = setup();
  expect(take()).toBeUndefined();
  expect(queue.dropAll(new Error('nobody hears it'))).toBe(0);
});

test('a queue is full at its capacity, and one of capacity 0 always is', () => {
  const { queue, add } = setup({ capacity: 2 });
  expect(queue.full).toBe(false);
  add('a');
  add('b');
  expect(queue.full).toBe(true);
  expect(setup({ capacity: 0 }).queue.full).toBe(true);
});

test('a capacity lowered below the number of jobs sends nobody away', () => {
  const { queue, add, take } = setup({ capacity: 5 });
  for (const name of ['a', 'b', 'c']) add(name);
  queue.update(resolveQueueOptions({ capacity: 1 }));
  expect(queue.size).toBe(3);
  expect(take()).toBe('a');
  expect(queue.full).toBe(true);
  expect([take(), take()]).toEqual(['b', 'c']);
  expect(queue.full).toBe(false);
});

test('a full queue refuses, and says when a lane will be free as soon as it has seen a run', () => {
  const { queue } = setup({ capacity: 0 }, 4);
  expect(queue.refuse(queue.door())).toMatchObject({
    code: 'SLUICE_QUEUE_FULL',
    retryAfterMs: undefined,
    message: 'line: all 4 lanes are busy and all 0 places to wait are taken',
  });
  queue.learn(undefined, 100);
  expect(queue.refuse(queue.door()).retryAfterMs).toBe(25);
});

test('a job leaves at once, from wherever it stands, and leaves but once', () => {
  const { queue, add, take } = setup();
  const jobs = ['a', 'b', 'c', 'd'].map((name) => add(name));
  for (const at of [1, 0, 3]) expect(queue.remove(jobs[at] as NamedJob)).toBe(true);
  expect(queue.remove(jobs[1] as NamedJob)).toBe(false);
  expect(queue.size).toBe(1);
  expect(take()).toBe('c');
  expect(queue.remove(jobs[2] as NamedJob)).toBe(false);
});

test('a job of another queue is not removed', () => {
  const { queue, add } = setup();
  const other = setup();
  const job = add('a');
  expect(other.queue.remove(job)).toBe(false);
  expect(other.queue.drop(job, 'unheard')).toBe(false);
  expect(queue.size).toBe(1);
});

test('a job that waits already is not added again', () => {
  const { queue, add } = setup();
  const job = add('a');
  expect(() => queue.add(job)).toThrow('JobQueue: the job to add waits in a queue already.');
  expect(() => queue.putBack(job)).toThrow('JobQueue: the job to add waits in a queue already.');
});

test('a job that was put back is next, and the last one put back is the first', () => {
  const { queue, add, take } = setup({ capacity: 3 });
  for (const name of ['a', 'b', 'c']) add(name);
  const taken = [queue.take(), queue.take()] as NamedJob[];
  for (const job of taken.toReversed()) queue.putBack(job);
  add('d');
  expect(queue.size).toBe(4);
  expect([take(), take(), take(), take()]).toEqual(['a', 'b', 'c', 'd']);
});

test('a job that was put back can leave, and is sent away at its deadline', () => {
  const { clock, alarms, queue, log, add } = setup();
  const job = add('a', { deadlineMs: 20 });
  queue.take(0);
  expect(alarms.size).toBe(0);
  queue.putBack(job);
  clock.advance(20);
  expect(log).toHaveLength(1);
  const other = add('b');
  queue.take();
  queue.putBack(other);
  expect(queue.remove(other)).toBe(true);
  expect(queue.size).toBe(0);
});

test('a job is sent away when its deadline passes, wherever it stands', () => {
  const { clock, queue, log, add } = setup();
  add('patient', { deadlineMs: 50 });
  add('hasty', { deadlineMs: 20 });
  clock.advance(19.999);
  expect(queue.size).toBe(2);
  clock.advance(0.001);
  expect(queue.size).toBe(1);
  const late = 'lost: DeadlineExceededError: line: the deadline passed while the call waited';
  expect(log).toEqual([`hasty ${late} in the queue`]);
});

test('a job that is late is never handed out, though nobody has noticed yet', () => {
  const { clock, queue, log, add } = setup();
  add('late', { deadlineMs: 20 });
  add('in time', { deadlineMs: 21 });
  expect(queue.take(20)?.name).toBe('in time');
  expect(log).toHaveLength(1);
  expect(log[0]).toMatch(/^late lost: DeadlineExceededError/);
  expect(queue.size).toBe(0);
  expect(clock.pending).toBe(0);
});

test('a job that was handed out is out of reach of its deadline', () => {
  const { clock, queue, log, add } = setup();
  add('a', { deadlineMs: 20 });
  queue.take(0);
  expect(clock.pending).toBe(0);
  clock.advance(30);
  expect(log).toEqual([]);
});

test('the queue needs the time while a job with a deadline waits', () => {
  const { queue, add } = setup();
  expect(queue.timed).toBe(false);
  add('a', { deadlineMs: 20 });
  add('b');
  expect(queue.timed).toBe(true);
  queue.take(0);
  expect(queue.timed).toBe(false);
});

test('dropping all tells each why, counts them, and leaves no timer', () => {
  const { clock, queue, log, add } = setup();
  add('a', { deadlineMs: 20 });
  add('b');
  expect(queue.dropAll('closed')).toBe(2);
  expect(log).toEqual(['a lost: closed', 'b lost: closed']);
  expect(queue.size).toBe(0);
  expect(clock.pending).toBe(0);
});

test('jobs with deadlines share one timer, and without a deadline there is none', () => {
  const { clock, add } = setup();
  for (let i = 0; i < 100; i++) add(`plain ${i}`);
  expect(clock.pending).toBe(0);
  for (let i = 0; i < 100; i++) add(`timed ${i}`, { deadlineMs: 10 + i });
  expect(clock.pending).toBe(1);
});
