import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ShedError, type TaskContext } from '../core/index.ts';
import { ManualClock, settlePromises } from '../testing/index.ts';
import type { StopResult } from '../job-queue/index.ts';
import type { WorkerPoolOptions } from './options.ts';
import { WorkerPool } from './worker-pool.ts';
import {
  ABANDON_AFTER_MS,
  Model,
  tasks,
  type Call,
  type Plan,
  type Reject,
} from '../../test/kit/pool-model.ts';

/** The pool, and what was seen of it. */
class Subject {
  readonly clock = new ManualClock();
  readonly pool: WorkerPool;
  readonly answers: string[][] = [];
  readonly started: number[] = [];
  readonly drains: boolean[] = [];
  readonly controllers: AbortController[] = [];
  readonly contexts: TaskContext[] = [];
  stopped: StopResult | undefined;
  readonly #ends: PromiseWithResolvers<string>[] = [];

  constructor(options: WorkerPoolOptions) {
    const times = { clock: this.clock, abandonAfterMs: ABANDON_AFTER_MS };
    this.pool = new WorkerPool({ ...times, ...options });
  }

  call({ way, task, abortable, abortedBefore, deadlineMs, timeoutMs }: Plan): void {
    const id = this.answers.length;
    const controller = new AbortController();
    this.controllers.push(controller);
    if (abortedBefore) controller.abort(new Error(`reason ${id}`));
    const deadlineAtMs = this.clock.nowMs() + (deadlineMs ?? Infinity);
    const signal = abortable || abortedBefore ? controller.signal : undefined;
    const limits = timeoutMs === undefined ? { deadlineMs } : { deadlineMs, timeoutMs };
    const isPlain = !signal && deadlineMs === undefined && timeoutMs === undefined;
    const options = isPlain ? undefined : { signal, ...limits };
    const run = (context: TaskContext): unknown => {
      this.started.push(id);
      this.contexts[id] = context;
      if (this.clock.nowMs() >= deadlineAtMs) throw new Error(`call ${id} began too late`);
      return this.#begin(id, task, context);
    };
    const seen: string[] = [];
    this.answers.push(seen);
    const promise = this.pool[way](run, options);
    if (promise === undefined) seen.push('nothing');
    promise?.then(
      (value) => seen.push(String(value)),
      (error: unknown) => {
        const { name, message } = error as Error;
        seen.push(/^(reason|error) /.test(message) ? message : name);
      },
    );
  }

  #begin(id: number, task: string, context: TaskContext): unknown {
    if (task === 'value') return `value ${id}`;
    if (task === 'throws') throw new Error(`error ${id}`);
    if (task === 'rejects') return Promise.reject(new Error(`error ${id}`));
    if (task === 'refuses') throw new ShedError('inner', `error ${id}`);
    const end = Promise.withResolvers<string>();
    const { promise } = end;
    if (task !== 'never') this.#ends[id] = end;
    if (task === 'heeds its signal') context.signal.addEventListener('abort', end.reject);
    // oxlint-disable-next-line unicorn/no-thenable -- a task may return one
    return task === 'thenable' ? { then: promise.then.bind(promise) } : promise;
  }

  finish(id: number, isOk: boolean): void {
    if (isOk) this.#ends[id]?.resolve(`value ${id}`);
    else this.#ends[id]?.reject(new Error(`error ${id}`));
  }

  drain(): void {
    const at = this.drains.push(false) - 1;
    void this.pool.drain().then(() => (this.drains[at] = true));
  }

  stop(timeoutMs: number, reject: Reject): void {
    const again = this.pool.stop({ timeoutMs, reject });
    assert.equal(this.pool.stop(), again);
    void again.then((result) => (this.stopped = result));
  }
}

const anyPlan: fc.Arbitrary<Plan> = fc.record({
  way: fc.constantFrom('submit', 'trySubmit', 'execute'),
  task: fc.constantFrom(...tasks),
  abortable: fc.boolean(),
  abortedBefore: fc.integer({ min: 0, max: 15 }).map((n) => n === 0),
  deadlineMs: fc.option(fc.integer({ min: 0, max: 25 }), { nil: undefined, freq: 2 }),
  timeoutMs: fc.option(fc.integer({ min: 1, max: 15 }), { nil: undefined, freq: 2 }),
});
/** A policy's verb knows of no timeout. */
const plan = anyPlan.map((p) => (p.way === 'execute' ? { ...p, timeoutMs: undefined } : p));

const size = fc.integer({ min: 1, max: 4 });
const queue = fc.integer({ min: 0, max: 4 });
const setup = fc.record({ size, queue });
const change = fc.oneof(fc.record({ size }), fc.record({ queue }));
const reject = fc.constantFrom<Reject>(undefined, 'queued', 'all');
const anyStep = fc.oneof(
  { weight: 16, arbitrary: fc.record({ call: plan }) },
  { weight: 8, arbitrary: fc.record({ finish: fc.nat(), ok: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ abort: fc.nat() }) },
  { weight: 6, arbitrary: fc.record({ advance: fc.integer({ min: 0, max: 12 }) }) },
  { weight: 4, arbitrary: fc.record({ update: change }) },
  { weight: 2, arbitrary: fc.record({ drain: fc.constant(true) }) },
  { weight: 3, arbitrary: fc.record({ pause: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ stop: fc.integer({ min: 0, max: 20 }), reject }) },
);
const someSteps = fc.array(anyStep, { maxLength: 50 });
type Step = typeof anyStep extends fc.Arbitrary<infer S> ? S : never;

/** Does the same to both. */
async function perform(step: Step, model: Model, subject: Subject): Promise<void> {
  if ('call' in step) {
    model.call(step.call);
    subject.call(step.call);
  } else if ('advance' in step) {
    model.advance(step.advance);
    await subject.clock.run(step.advance);
  } else if ('update' in step) {
    model.update(step.update);
    subject.pool.update(step.update);
  } else if ('drain' in step) {
    model.drain();
    subject.drain();
  } else if ('stop' in step) {
    model.stop(step.stop + 0.5, step.reject);
    subject.stop(step.stop + 0.5, step.reject);
    await subject.clock.run(0); // The turn that is left to the tasks.
  } else if ('pause' in step) {
    model.pause(step.pause);
    if (step.pause) subject.pool.pause();
    else subject.pool.resume();
  } else {
    const target = 'abort' in step ? step.abort : step.finish;
    touch(step, model.calls[target % Math.max(1, model.calls.length)], model, subject);
  }
  await settlePromises();
}

function touch(step: Step, call: Call | undefined, model: Model, subject: Subject): void {
  if (call === undefined) return;
  if ('abort' in step && call.abortable) {
    model.abort(call);
    subject.controllers[call.id]?.abort(new Error(`reason ${call.id}`));
  } else if ('finish' in step && call.task !== 'never' && call.state !== 'waiting') {
    model.finish(call, step.ok);
    subject.finish(call.id, step.ok);
  }
}

function compare(model: Model, subject: Subject): void {
  const { submitted, counts, calls, lanes, waiting } = model;
  const load = { active: lanes.length, queued: waiting.length };
  const bounds = { size: model.size, queueCapacity: model.queue };
  const signals = lanes.map(({ state }) => state === 'overdue');
  const expected = {
    stats: { ...load, ...bounds, submitted, ...counts, abandoned: model.abandoned },
    answers: calls.map(({ answer }) => (answer === undefined ? [] : [answer])),
    started: model.started,
    drains: model.drains,
    stopped: model.stopped,
    signals,
  };
  const { answers, started, drains, stopped, contexts } = subject;
  const { state, ...stats } = subject.pool.stats();
  const ended = lanes.map(({ id }) => contexts[id]?.signal.aborted === true);
  const seen = { stats, answers, started, drains, stopped, signals: ended };
  assert.deepEqual(seen, expected);
  const isServed = stats.queued === 0 || stats.active >= stats.size;
  assert.ok(isServed || state === 'paused', 'a free lane beside a waiting call');
  const { active, queued, completed, failed, ignored, aborted, expired, rejected } = stats;
  const known = completed + failed + ignored + aborted + expired + rejected + active + queued;
  assert.equal(stats.submitted, known);
  assert.equal(state === 'stopped', stopped !== undefined);
}

test('whatever happens in whatever order, every call settles once and every lane is accounted for', async () => {
  await fc.assert(
    fc.asyncProperty(setup, someSteps, async (options, steps) => {
      const model = Object.assign(new Model(), options);
      const subject = new Subject(options);
      for (const next of steps) {
        // After 20 runs the queue knows how long they take, and begins to refuse what would be late.
        if ('call' in next && model.calls.length >= 19) continue;
        const { lanes } = model;
        await perform(next, model, subject);
        compare(model, subject);
        const { active } = subject.pool.stats();
        expect(active).toBeLessThanOrEqual(Math.max(model.size, lanes.length));
        expect(subject.clock.pending).toBeLessThanOrEqual(2);
      }
      await perform({ stop: 30, reject: undefined }, model, subject);
      await perform({ advance: 31 }, model, subject);
      compare(model, subject);
      expect(subject.stopped).toBeDefined();
      expect(subject.clock.pending).toBe(0);
      const heard = subject.controllers.map(({ signal }) => getEventListeners(signal, 'abort'));
      expect(heard.flat()).toEqual([]);
      // Only a task that was given out as it is, and goes on, still owes an answer.
      const owed = model.calls.filter(({ answer }) => answer === undefined);
      expect(owed.every(({ way, state }) => way === 'execute' && state === 'running')).toBe(true);
    }),
    { numRuns: 3000 },
  );
}, 60_000);
