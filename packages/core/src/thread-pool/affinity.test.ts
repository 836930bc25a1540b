import { expect, test } from 'vitest';
import { ManualClock } from '../testing/index.ts';
import { Affinities } from './affinity.ts';
import { Lobby } from './shared/lobby.ts';
import { ScriptedWorker } from '../../test/kit/threads/scripted-worker.ts';

function readyWorkers(count: number): ScriptedWorker[] {
  const house = { clock: new ManualClock(), lobby: new Lobby() };
  const events = { onReady: (): void => undefined, onEnd: (): void => undefined };
  return Array.from({ length: count }, (_, i) => {
    const worker = new ScriptedWorker(`worker ${i}`, house, events);
    worker.becomeReady();
    return worker;
  });
}

const keys = Array.from({ length: 3000 }, (_, i) => `key ${i}`);

test('a key stays with its worker while that serves, whoever comes', () => {
  const affinities = new Affinities();
  const workers = readyWorkers(3);
  const owners = keys.map((key) => affinities.workerOf(key, workers, 0));
  const more = [...workers, ...readyWorkers(2)];
  expect(keys.map((key) => affinities.workerOf(key, more, 60_000))).toEqual(owners);
});

test('keys are spread evenly over the workers', () => {
  const affinities = new Affinities();
  const workers = readyWorkers(4);
  const counts = new Map(workers.map((worker) => [worker, 0]));
  for (const key of keys) {
    const owner = affinities.workerOf(key, workers, 0) as ScriptedWorker;
    counts.set(owner, (counts.get(owner) as number) + 1);
  }
  for (const count of counts.values()) {
    expect(count).toBeGreaterThan(500);
    expect(count).toBeLessThan(1000);
  }
});

test('the keys of a worker that goes move to others, and the others keep theirs', () => {
  const affinities = new Affinities();
  const workers = readyWorkers(3);
  const before = keys.map((key) => affinities.workerOf(key, workers, 0));
  const [gone] = workers as [ScriptedWorker];
  gone.duty = 'retiring';
  const after = keys.map((key) => affinities.workerOf(key, workers, 0));
  expect(after).not.toContain(gone);
  const kept = before.map((owner, i) => owner === gone || owner === after[i]);
  expect(kept).not.toContain(false);
});

test('without any worker that serves a key has none', () => {
  expect(new Affinities().workerOf('key', [], 0)).toBeUndefined();
});

test('keys that nobody used for a minute go to workers that came since', () => {
  const affinities = new Affinities();
  const workers = readyWorkers(1);
  for (const key of keys) affinities.workerOf(key, workers, 0);
  const more = [...workers, ...readyWorkers(3)];
  const later = keys.map((key) => affinities.workerOf(key, more, 60_001));
  for (const worker of more) {
    expect(later.filter((owner) => owner === worker).length).toBeGreaterThan(300);
  }
  expect(keys.map((key) => affinities.workerOf(key, more, 60_002))).toEqual(later);
});
