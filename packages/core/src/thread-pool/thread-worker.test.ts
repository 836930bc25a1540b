import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../core/index.ts';
import { JobKinds } from './job-kinds.ts';
import { Lobby } from './shared/lobby.ts';
import { ThreadJob, type ResultSink } from './thread-job.ts';
import { ThreadWorker } from './thread-worker.ts';

/** No queue sends these tasks away. */
const nobody = { onDropped: (): void => undefined };

/** A worker without a pool: nothing is collected but when the test, or its end, does it. */
async function workerOf(jobs: Record<string, (input: never) => unknown>, concurrency = 1) {
  const kinds = new JobKinds('alone');
  const sink: ResultSink = {
    onResult: (job, value) => job.resolve(value),
    onFailure: (job, failure) => job.reject(failure()),
  };
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<unknown>();
  let readies = 0;
  const events = {
    onReady: (): void => {
      readies++;
      ready.resolve();
    },
    onEnd: (_: unknown, cause: unknown): void => {
      worker.collect(sink);
      ended.resolve(cause);
    },
  };
  const options = {
    name: 'alone-1',
    module: undefined,
    concurrency,
    maxHeapMb: undefined,
    execArgv: undefined,
    env: undefined,
  };
  for (const [name, job] of Object.entries(jobs)) kinds.define(name, job);
  const house = { clock: systemClock, lobby: new Lobby(), kinds, cpus: 2 };
  const worker = new ThreadWorker(options, house, events);
  onTestFinished(() => worker.kill());
  const hand = (name: string, input?: unknown): ThreadJob => {
    const job = new ThreadJob(nobody, kinds.find(name), input, systemClock.nowMs());
    job.promise.catch(() => undefined);
    worker.hand(job);
    return job;
  };
  // A worker alone keeps no process alive.
  const hold = systemClock.schedule(1e9, () => undefined);
  onTestFinished(hold);
  await ready.promise;
  return { worker, hand, sink, ended: ended.promise, readies: () => readies };
}

async function answered(worker: ThreadWorker, sink: ResultSink): Promise<void> {
  while (worker.collect(sink) === 0) await new Promise((resolve) => setImmediate(resolve));
}

test('a result that was posted before its worker ended arrives', async () => {
  const long = (length: number): string => 'x'.repeat(length);
  const { worker, hand, ended } = await workerOf({ long, exit: () => process.exit(0) });
  const job = hand('long', 10_000);
  hand('exit');
  worker.publish();
  await ended;
  expect(await job.promise).toBe('x'.repeat(10_000));
});

test('what a job sends on the channel of its thread is not taken for news of the worker', async () => {
  const send = async (news: unknown): Promise<void> => {
    const { parentPort } = process.getBuiltinModule('node:worker_threads');
    parentPort?.postMessage(news);
  };
  const { worker, hand, sink, readies } = await workerOf({ send });
  for (const news of [null, undefined, 'ready', { kind: 'ready', exports: [] }]) {
    const job = hand('send', news);
    worker.publish();
    await answered(worker, sink);
    await job.promise;
  }
  // Messages come with the turns of the event loop, in order: this one after all of them.
  await worker.kill();
  expect(readies()).toBe(1);
});

test('an input that was posted and taken back is not kept, and not taken for that of another', async () => {
  const size = (text: string): number => text.length;
  const wait = (buffer: SharedArrayBuffer): void => {
    Atomics.wait(new Int32Array(buffer), 0, 0);
  };
  const { worker, hand, sink } = await workerOf({ wait, size });
  const door = new Int32Array(new SharedArrayBuffer(4));
  hand('wait', door.buffer);
  const gone = hand('size', 'x'.repeat(5000));
  const kept = hand('size', 'x'.repeat(6000));
  worker.publish();
  expect(worker.takeBack(gone)).toBe(true);
  Atomics.store(door, 0, 1);
  Atomics.notify(door, 0);
  while (worker.outstanding > 0) await answered(worker, sink);
  expect(await kept.promise).toBe(6000);
  expect(worker.room).toBe(1024);
});
