import { Engine } from '../../../src/thread-pool/engine.ts';
import {
  resolveThreadPoolOptions,
  type RunOptions,
  type ThreadPoolOptions,
} from '../../../src/thread-pool/options.ts';
import { ManualClock, SeededRandom } from '../../../src/testing/index.ts';
import { ScriptedWorker } from './scripted-worker.ts';

/** What a caller was told; `settled` counts how often. */
export interface ScriptedCall {
  settled: number;
  answer: string | undefined;
  readonly promise: Promise<unknown>;
}

/** All of a pool but its threads, on a clock that stands still. */
export class ScriptedPool {
  readonly clock: ManualClock = new ManualClock();
  readonly workers: ScriptedWorker[] = [];
  readonly engine: Engine;

  constructor(options: ThreadPoolOptions = {}) {
    const { clock } = this;
    const resolved = resolveThreadPoolOptions({
      size: 2,
      name: 'scripted',
      random: new SeededRandom(1),
      ...options,
      clock,
    });
    this.engine = new Engine(undefined, resolved, (house) => (name, _options, events) => {
      const worker = new ScriptedWorker(name, house, events);
      this.workers.push(worker);
      return worker;
    });
  }

  /** Workers that have not gone. */
  get alive(): readonly ScriptedWorker[] {
    return this.workers.filter(({ isGone }) => !isGone);
  }

  worker(number: number): ScriptedWorker {
    const worker = this.workers[number - 1];
    if (worker === undefined) throw new RangeError(`there is no worker ${number}`);
    return worker;
  }

  async ready(): Promise<this> {
    for (const worker of this.alive) worker.becomeReady();
    await this.settle();
    return this;
  }

  /** Submits a task of the job of this name, whose result is its input. */
  submit(job: string, input: unknown = job, options?: RunOptions): ScriptedCall {
    const promise = this.engine.submit(this.engine.kinds.find(job), input, options);
    const call: ScriptedCall = { settled: 0, answer: undefined, promise };
    const settle = (answer: string): void => {
      call.settled++;
      call.answer = answer;
    };
    promise.then(
      () => settle('completed'),
      (error: unknown) => settle((error as Error).name),
    );
    return call;
  }

  /** Runs so many tasks of a job, one after the other, each in so many ms: so the pool knows what they take. */
  async teach(job: string, runMs: number, times = 30): Promise<void> {
    for (let i = 0; i < times; i++) {
      this.submit(job);
      await this.settle();
      for (const worker of this.alive) worker.begin();
      this.clock.advance(runMs);
      for (const worker of this.alive) worker.finish();
      await this.settle();
    }
  }

  /** Until the pool has done all that it does by itself. */
  async settle(): Promise<void> {
    do {
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.alive.some((worker) => worker.hasResults()));
    await new Promise((resolve) => setImmediate(resolve));
  }
}
