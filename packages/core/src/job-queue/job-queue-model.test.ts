import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Alarms } from '../collections/index.ts';
import { ManualClock } from '../testing/index.ts';
import { JobQueue } from './job-queue.ts';
import { resolveQueueOptions } from './options.ts';
import { QueuedJob } from './queued-job.ts';

/*
 * The queue against a model of it that has arrays for everything and looks through all of them: whatever
 * is done to both, in whatever order, they agree after every step. Runs take less than a millisecond, for
 * which no job is given up before its deadline, so that the model needs no estimate but the mean.
 */

type Order = 'fair' | 'fifo' | 'lifo';
const AGEING_MS = 10;

class NumberedJob extends QueuedJob {
  readonly id: number;
  readonly #drops: number[];

  constructor(id: number, drops: number[]) {
    super();
    this.id = id;
    this.#drops = drops;
  }

  override drop(): void {
    this.#drops.push(this.id);
  }
}

interface Flow {
  readonly key: string | undefined;
  readonly jobs: NumberedJob[];
  balanceUs: number;
  usualUs: number;
}

interface Charge {
  readonly flow: Flow;
  readonly us: number;
}

/** Waiting jobs, most urgent class first, in each class the flows in the order of their turns. */
class Model {
  order: Order = 'fair';
  /** In the order of arrival: all that is known where the order is not fair. */
  waiting: NumberedJob[] = [];
  returned: NumberedJob[] = [];
  readonly classes = new Map<number, Flow[]>();
  readonly charges = new Map<NumberedJob, Charge>();
  mixedSinceMs = Number.NaN;
  /** As the subject knows it. */
  meanRunMs = Number.NaN;

  add(job: NumberedJob): void {
    this.waiting.push(job);
    if (this.order !== 'fair') return;
    if (job.priority !== 0 && !this.isMixed) this.mixedSinceMs = job.sinceMs;
    const flows = this.classes.get(job.priority) ?? [];
    this.classes.set(job.priority, flows);
    const flow = flows.find(({ key }) => key === job.key);
    if (flow) flow.jobs.push(job);
    else flows.push({ key: job.key, jobs: [job], balanceUs: 0, usualUs: 0 });
  }

  get isMixed(): boolean {
    return [...this.classes].some(([priority, flows]) => priority !== 0 && flows.length > 0);
  }

  take(): NumberedJob | undefined {
    const returned = this.returned.shift();
    if (returned) return returned;
    const job = this.order === 'fair' ? this.#takeFair() : this.waiting.at(this.#end);
    if (job) this.#forget(job);
    return job;
  }

  remove(job: NumberedJob): void {
    this.returned = this.returned.filter((other) => other !== job);
    if (this.waiting.includes(job)) this.#forget(job);
  }

  learn(job: NumberedJob, runMs: number): void {
    const charge = this.charges.get(job);
    if (charge === undefined || charge.flow.jobs.length === 0) return;
    const { flow } = charge;
    const us = Math.round(runMs * 1000);
    flow.balanceUs -= us - charge.us;
    flow.usualUs = flow.usualUs === 0 ? us : flow.usualUs + Math.round((us - flow.usualUs) / 8);
  }

  reorder(order: Order): void {
    const { waiting } = this;
    if (order === this.order) return;
    this.order = order;
    for (const flow of [...this.classes.values()].flat()) flow.jobs.length = 0;
    this.classes.clear();
    this.mixedSinceMs = Number.NaN;
    this.waiting = [];
    for (const job of waiting) this.add(job);
  }

  get #end(): number {
    return this.order === 'lifo' ? -1 : 0;
  }

  get #turnUs(): number {
    return Math.max(1, Math.round(this.meanRunMs * 1000) || 1);
  }

  #takeFair(): NumberedJob | undefined {
    const inUse = [...this.classes].filter(([, flows]) => flows.length > 0);
    const due = inUse
      .map(([priority, flows]) => ({ priority, flows, head: this.#onTurn(flows).jobs[0]! }))
      .map((each) => ({ ...each, dueMs: this.#dueMs(each.head) }))
      .toSorted((a, b) => a.dueMs - b.dueMs || b.priority - a.priority);
    const [next] = due;
    if (next === undefined) return undefined;
    const { flows, head } = next;
    const [flow] = flows as [Flow];
    if (flow.jobs.length > 1) this.#charge(flows, flow, head);
    return head;
  }

  #charge(flows: Flow[], flow: Flow, job: NumberedJob): void {
    if (flows.length === 1) {
      flow.balanceUs = 0;
      return;
    }
    const us = flow.usualUs || this.#turnUs;
    this.charges.set(job, { flow, us });
    flow.balanceUs -= us;
    if (flow.balanceUs < 0) this.#endTurn(flows);
  }

  /** Turn after turn, one by one. */
  #onTurn(flows: Flow[]): Flow {
    while (flows.length > 1 && flows[0]!.balanceUs < 0) this.#endTurn(flows);
    return flows[0]!;
  }

  #endTurn(flows: Flow[]): void {
    const flow = flows.shift()!;
    flow.balanceUs += this.#turnUs;
    flows.push(flow);
  }

  #dueMs({ sinceMs, priority }: NumberedJob): number {
    return (Number.isNaN(sinceMs) ? this.mixedSinceMs : sinceMs) - priority * AGEING_MS;
  }

  #forget(job: NumberedJob): void {
    this.waiting = this.waiting.filter((other) => other !== job);
    for (const flows of this.classes.values()) {
      const at = flows.findIndex(({ jobs }) => jobs.includes(job));
      const flow = flows[at];
      if (flow === undefined) continue;
      flow.jobs.splice(flow.jobs.indexOf(job), 1);
      if (flow.jobs.length === 0) flows.splice(at, 1);
    }
  }
}

/** What became of each job. */
class Trial {
  readonly clock = new ManualClock();
  readonly alarms = new Alarms(this.clock);
  readonly drops: number[] = [];
  readonly model = new Model();
  readonly queue: JobQueue<NumberedJob>;
  readonly jobs: NumberedJob[] = [];
  /** Taken and not ended. */
  running: NumberedJob[] = [];
  /** How often each job has left for good. */
  readonly left: number[] = [];

  constructor() {
    const { alarms } = this;
    this.queue = new JobQueue({ name: 'line', alarms, lanes: 2 }, options('fair'));
  }

  add({ priority, key, deadlineMs }: Wish): void {
    const job = new NumberedJob(this.jobs.length, this.drops);
    this.jobs.push(job);
    this.left.push(0);
    const nowMs = this.clock.nowMs();
    job.priority = priority;
    job.key = key;
    job.deadlineAtMs = nowMs + (deadlineMs ?? Infinity);
    const isPlain = priority === 0 && job.deadlineAtMs === Infinity;
    if (!isPlain || this.queue.timed) job.sinceMs = nowMs;
    this.queue.add(job, job.sinceMs);
    this.model.add(job);
  }

  take(): boolean {
    const job = this.queue.take(this.queue.timed ? this.clock.nowMs() : Number.NaN);
    assert.equal(job?.id, this.model.take()?.id);
    if (job) this.running.push(job);
    return job !== undefined;
  }

  remove(job: NumberedJob): void {
    const isWaiting = [...this.model.waiting, ...this.model.returned].includes(job);
    assert.equal(this.queue.remove(job), isWaiting);
    assert.equal(this.queue.remove(job), false);
    this.model.remove(job);
    if (isWaiting) this.left[job.id]!++;
  }

  putBack(job: NumberedJob): void {
    this.running = this.running.filter((other) => other !== job);
    // What is too late by now would be sent away by the next turn of the clock.
    if (job.deadlineAtMs <= this.clock.nowMs()) return this.end(job, 0);
    this.queue.putBack(job);
    this.model.returned.unshift(job);
  }

  end(job: NumberedJob, runMs: number): void {
    this.running = this.running.filter((other) => other !== job);
    this.left[job.id]!++;
    this.queue.learn(job, runMs);
    this.model.learn(job, runMs);
  }

  advance(byMs: number): void {
    this.clock.advance(byMs);
    const late = [...this.model.waiting, ...this.model.returned].filter(
      (job) => job.deadlineAtMs <= this.clock.nowMs(),
    );
    for (const job of late) this.model.remove(job);
    for (const { id } of late) this.left[id]!++;
    assert.deepEqual(
      this.drops.splice(0).toSorted((a, b) => a - b),
      idsOf(late),
    );
  }

  reorder(order: Order): void {
    this.queue.update(options(order));
    this.model.reorder(order);
  }

  compare(): void {
    const { queue, model } = this;
    const waiting = [...model.waiting, ...model.returned];
    assert.equal(queue.size, waiting.length);
    assert.deepEqual(idsOf(queue), idsOf(waiting));
    const timed = waiting.filter(({ deadlineAtMs }) => deadlineAtMs < Infinity);
    assert.equal(this.alarms.size, timed.length);
    assert.equal(queue.timed, timed.length > 0 || (model.order === 'fair' && model.isMixed));
    model.meanRunMs = queue.meanRunMs;
  }
}

const idsOf = (jobs: Iterable<NumberedJob>): number[] =>
  [...jobs].map(({ id }) => id).toSorted((a, b) => a - b);

const options = (order: Order) => resolveQueueOptions({ order, ageingMs: AGEING_MS });

interface Wish {
  readonly priority: number;
  readonly key: string | undefined;
  readonly deadlineMs: number | undefined;
}

const wish: fc.Arbitrary<Wish> = fc.record({
  priority: fc.oneof(
    { weight: 8, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constantFrom(-8, -1, 1, 2, 7) },
  ),
  key: fc.constantFrom(undefined, 'a', 'a', 'b', 'constructor'),
  deadlineMs: fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 40 }) },
  ),
});
const crowd = fc.array(wish, { maxLength: 25, size: 'max' });
const order = fc.constantFrom<Order>('fair', 'fair', 'fifo', 'lifo');
/** Short and long ones, so that a long one uses up many turns. */
const runMs = fc.constantFrom(0, 0.001, 0.01, 0.05, 0.3, 0.9);
const anyStep = fc.oneof(
  { weight: 12, arbitrary: fc.record({ add: wish }) },
  { weight: 9, arbitrary: fc.record({ take: fc.constant(true) }) },
  { weight: 8, arbitrary: fc.record({ end: fc.nat(), runMs }) },
  { weight: 2, arbitrary: fc.record({ putBack: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ remove: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ advance: fc.integer({ min: 0, max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ reorder: order }) },
);
const someSteps = fc.array(anyStep, { maxLength: 80, size: 'max' });
type Step = typeof anyStep extends fc.Arbitrary<infer S> ? S : never;

function perform(step: Step, trial: Trial): void {
  if ('add' in step) trial.add(step.add);
  else if ('take' in step) trial.take();
  else if ('advance' in step) trial.advance(step.advance);
  else if ('reorder' in step) trial.reorder(step.reorder);
  else if ('remove' in step) {
    const job = trial.jobs[step.remove % Math.max(1, trial.jobs.length)];
    if (job) trial.remove(job);
  } else {
    const nth = 'end' in step ? step.end : step.putBack;
    const job = trial.running[nth % Math.max(1, trial.running.length)];
    if (job === undefined) return;
    if ('end' in step) trial.end(job, step.runMs);
    else trial.putBack(job);
  }
}

test('whatever happens in whatever order, jobs leave as the order says, each exactly once', () => {
  fc.assert(
    fc.property(order, crowd, someSteps, (first, wishes, steps) => {
      const trial = new Trial();
      trial.reorder(first);
      for (const each of wishes) trial.add(each);
      trial.compare();
      for (const step of steps) {
        perform(step, trial);
        trial.compare();
      }
      while (trial.take()) trial.compare();
      for (const job of trial.running) trial.end(job, 0.5);
      expect(trial.left).toEqual(trial.jobs.map(() => 1));
      expect(trial.alarms.size).toBe(0);
      expect(trial.clock.pending).toBe(0);
    }),
    { numRuns: 3000 },
  );
}, 60_000);
