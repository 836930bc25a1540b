import { expect, test } from 'vitest';
import type { Step } from './steps.ts';
import { runSteps } from './steps.ts';

const fine = (name: string, after: readonly string[] = []): Step => ({
  name,
  after,
  run: () => Promise.resolve(''),
});
const broken = (name: string): Step => ({ name, run: () => Promise.resolve('it broke') });

async function statesOf(steps: readonly Step[]): Promise<Record<string, string>> {
  const results = await runSteps(steps, 2, () => {});
  return Object.fromEntries(results.map(({ name, state }) => [name, state]));
}

test('a failed step does not stop the others', async () => {
  expect(await statesOf([broken('a'), fine('b'), fine('c')])).toEqual({
    a: 'failed',
    b: 'passed',
    c: 'passed',
  });
});

test('a step that stands on a failed one is not run, nor what stands on that', async () => {
  const steps = [broken('a'), fine('b', ['a']), fine('c', ['b']), fine('d')];
  expect(await statesOf(steps)).toEqual({ a: 'failed', b: 'not run', c: 'not run', d: 'passed' });
});

test('a step that throws has failed, with the error to read', async () => {
  const throws: Step = { name: 'a', run: () => Promise.reject(new Error('no such tool')) };
  const [result] = await runSteps([throws], 1, () => {});
  expect(result).toMatchObject({ state: 'failed', output: 'Error: no such tool' });
});

test('no more steps run at once than allowed, and all of them run', async () => {
  let running = 0;
  let most = 0;
  const step = (name: string): Step => ({
    name,
    run: async () => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      return '';
    },
  });
  const results = await runSteps(['a', 'b', 'c', 'd', 'e'].map(step), 2, () => {});
  expect(most).toBe(2);
  expect(results.map(({ state }) => state)).toEqual(Array(5).fill('passed'));
});

test('each step is reported once, as it ends', async () => {
  const reported: string[] = [];
  await runSteps([fine('a', []), fine('b', ['a'])], 2, ({ name }) => reported.push(name));
  expect(reported).toEqual(['a', 'b']);
});

test('a step can stand only on earlier ones', async () => {
  await expect(runSteps([fine('a', ['b']), fine('b')], 1, () => {})).rejects.toThrow(
    'b is no earlier step',
  );
});
