import { expect, test } from 'vitest';
import { QueueTrial, type TaggedJob } from '../../test/kit/tagged-job.ts';
import { LinkedList } from '../collections/index.ts';
import { ShedError } from '../core/index.ts';
import { SeededRandom } from '../testing/index.ts';
import type { QueueDiscipline, QueueHost } from './discipline.ts';
import { resolveQueueOptions, type QueueOrder } from './options.ts';
import type { QueuedJob } from './queued-job.ts';

/*
 * Two disciplines that control overload, small but whole, as a user may write them: what they need must
 * be in the contract. https://queue.acm.org/detail.cfm?id=2209336 and
 * https://queue.acm.org/detail.cfm?id=2839461
 */

const TARGET_MS = 20;
const INTERVAL_MS = 100;

/** First come, first served; once all have waited too long for an interval, drops heads ever faster. */
class CoDel implements QueueDiscipline {
  readonly timed = true;
  readonly #queue: QueueHost;
  readonly #jobs = new LinkedList<QueuedJob>();
  #dropAtMs = Infinity;
  #dropped = 0;

  constructor(queue: QueueHost) {
    this.#queue = queue;
  }

  add(job: QueuedJob): void {
    this.#jobs.append(job);
  }

  take(nowMs: number): QueuedJob | undefined {
    for (let head = this.#jobs.first; head; head = this.#jobs.first) {
      if (!this.#isOneTooMany(head, nowMs)) return this.#jobs.shift();
      this.#queue.drop(head, new ShedError(this.#queue.name, 'waited too long', INTERVAL_MS));
    }
    return undefined;
  }

  remove(job: QueuedJob): void {
    this.#jobs.remove(job);
  }

  ahead(): number {
    return this.#jobs.size;
  }

  [Symbol.iterator](): Iterator<QueuedJob> {
    return this.#jobs[Symbol.iterator]();
  }

  #isOneTooMany({ sinceMs }: QueuedJob, nowMs: number): boolean {
    if (nowMs - sinceMs < TARGET_MS) {
      this.#dropAtMs = Infinity;
      this.#dropped = 0;
      return false;
    }
    if (this.#dropAtMs === Infinity) this.#dropAtMs = nowMs + INTERVAL_MS;
    if (nowMs < this.#dropAtMs) return false;
    this.#dropped++;
    this.#dropAtMs += INTERVAL_MS / Math.sqrt(this.#dropped);
    return true;
  }
}

/** First come, first served, but last come while the wait is long; and nobody in who would wait too long. */
class AdaptiveLifo implements QueueDiscipline {
  readonly timed = false;
  readonly #queue: QueueHost;
  readonly #jobs = new LinkedList<QueuedJob>();

  constructor(queue: QueueHost) {
    this.#queue = queue;
  }

  add(job: QueuedJob): void {
    this.#jobs.append(job);
  }

  take(): QueuedJob | undefined {
    const next = this.#waitMs() > 2 * TARGET_MS ? this.#jobs.last : this.#jobs.first;
    if (next) this.#jobs.remove(next);
    return next;
  }

  remove(job: QueuedJob): void {
    this.#jobs.remove(job);
  }

  ahead(): number {
    return 0;
  }

  door(): number {
    return Math.max(0, this.#waitMs() - 500);
  }

  [Symbol.iterator](): Iterator<QueuedJob> {
    return this.#jobs[Symbol.iterator]();
  }

  #waitMs(): number {
    const { meanRunMs, lanes } = this.#queue;
    return Number.isNaN(meanRunMs) ? 0 : (this.#jobs.size * meanRunMs) / lanes;
  }
}

const LANES = 10;
const RUN_MS = 100;
const PATIENCE_MS = 1000;

/**
 * Runs jobs of 100 ms on ten lanes for a minute, with calls at random times. Tells what share of the
 * lanes' time went to calls that were answered within their patience, and what became of the others.
 */
function overload(order: QueueOrder, ratePerSecond: number) {
  const trial = new QueueTrial({ order, capacity: 1000 }, LANES);
  const { queue, clock } = trial;
  const random = new SeededRandom(7);
  const jobs: TaggedJob[] = [];
  const ends: number[] = [];
  const refusals = new Set<string>();
  let good = 0;
  const begin = (nowMs: number): void => {
    while (ends.length < LANES) {
      const job = queue.take(nowMs);
      if (job === undefined) return;
      ends.push(nowMs + RUN_MS);
      if (nowMs + RUN_MS - job.sinceMs <= PATIENCE_MS) good++;
      queue.learn(job, RUN_MS);
    }
  };
  for (let atMs = 0; atMs < 60_000; atMs += (-Math.log(1 - random.next()) * 1000) / ratePerSecond) {
    while ((ends[0] ?? Infinity) <= atMs) begin(ends.shift() as number);
    clock.advanceTo(atMs);
    const waitMs = queue.door({}, atMs);
    if (waitMs > 0) refusals.add(queue.refuse(waitMs).name);
    else jobs.push(trial.add('job'));
    begin(atMs);
  }
  const shed = jobs.filter(({ lost }) => lost instanceof ShedError).length;
  return { goodput: good / ((60_000 / RUN_MS) * LANES), shed, refusals: [...refusals] };
}

test('a queue that is first come, first served works for nobody under overload', () => {
  const { goodput, shed, refusals } = overload('fifo', 500);
  expect(goodput).toBeLessThan(0.05);
  expect([shed, refusals]).toEqual([0, ['QueueFullError']]);
});

test('a discipline that sheds at the head fits in, and holds the goodput', () => {
  const { goodput, shed } = overload((queue) => new CoDel(queue), 150);
  expect(goodput).toBeGreaterThan(0.9);
  expect(shed).toBeGreaterThan(1000);
});

test('a discipline that sheds at the door and changes sides fits in, and holds the goodput', () => {
  const { goodput, refusals } = overload((queue) => new AdaptiveLifo(queue), 500);
  expect(goodput).toBeGreaterThan(0.9);
  expect(refusals).toEqual(['ShedError']);
});

test('what a discipline refuses at the door is a ShedError that says when to come back', () => {
  const trial = new QueueTrial({ order: (queue) => new AdaptiveLifo(queue) });
  trial.learn(100);
  for (let i = 0; i < 6; i++) trial.add('job');
  const { queue } = trial;
  expect(queue.refuse(queue.door())).toMatchObject({
    code: 'SLUICE_SHED',
    policy: 'line',
    retryAfterMs: 100,
    message: 'line: overload control refused the call',
  });
});

test('a queue with a discipline that lives by the clock needs the time of every job', () => {
  expect(new QueueTrial({ order: (queue) => new CoDel(queue) }).queue.timed).toBe(true);
  expect(new QueueTrial({ order: (queue) => new AdaptiveLifo(queue) }).queue.timed).toBe(false);
});

test('deadlines, removal and jobs put back work with any discipline', () => {
  const trial = new QueueTrial({ order: (queue) => new CoDel(queue) });
  const hasty = trial.add('hasty', { deadlineMs: 10 });
  const [a, b] = ['a', 'b'].map((name) => trial.add(name)) as [TaggedJob, TaggedJob];
  trial.clock.advance(10);
  expect(hasty.lost).toMatchObject({ code: 'SLUICE_DEADLINE_EXCEEDED' });
  expect(trial.take()).toBe(a);
  trial.queue.putBack(a);
  expect(trial.queue.remove(b)).toBe(true);
  expect(trial.takeAll()).toEqual(['a']);
});

test('a job that hears that it is shed may send another to the same queue', () => {
  const trial = new QueueTrial({ order: (queue) => new CoDel(queue) });
  const first = trial.add('first');
  first.drop = () => void trial.add('second try');
  trial.add('other');
  trial.clock.advance(50);
  trial.take();
  trial.queue.putBack(first);
  trial.queue.drop(first, new Error('shed'));
  expect(trial.takeAll()).toEqual(['other', 'second try']);
});

test('waiting jobs move to a new discipline and back, and none is lost', () => {
  const trial = new QueueTrial();
  for (const name of ['a', 'b', 'c']) trial.add(name);
  trial.queue.update(resolveQueueOptions({ order: (queue) => new CoDel(queue) }));
  expect(trial.queue.size).toBe(3);
  trial.queue.update(resolveQueueOptions({ order: 'lifo' }));
  expect(trial.takeAll()).toEqual(['c', 'b', 'a']);
});
