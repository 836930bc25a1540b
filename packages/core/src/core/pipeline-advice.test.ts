import { expect, test, vi } from 'vitest';
import { pipeline, wrap, type Pipeline } from './pipeline.ts';
import type { Policy, PolicyTraits } from './policy.ts';

let made = 0;

/** A policy of which a pipeline knows only its traits. */
function some(kind: PolicyTraits['kind'], traits: Omit<PolicyTraits, 'kind'> = {}): Policy {
  return {
    name: `${kind} ${++made}`,
    traits: { kind, ...traits },
    execute: async (task) => task({} as never),
    stats: () => ({}),
  };
}

const retry = (traits: Omit<PolicyTraits, 'kind'> = {}): Policy =>
  some('retry', { maxAttempts: 3, budgeted: true, ...traits });

/** Builds without the warnings on the screen. */
function built(policies: readonly Policy[], accept: Pipeline['advice'][number]['code'][] = []) {
  const emitted = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined);
  try {
    const { advice } = pipeline('p', policies, { accept });
    expect(emitted).toHaveBeenCalledTimes(advice.length);
    return advice.map(({ code }) => code);
  } finally {
    emitted.mockRestore();
  }
}

test.for<[string, () => Policy[], string[]]>([
  [
    'the order of the docs',
    () => [
      some('fallback'),
      some('timeout', { timeoutMs: 5000 }),
      retry({ timeoutMs: 1000 }),
      some('rate-limiter'),
      some('circuit-breaker', { windowMs: 10_000 }),
      some('pool'),
    ],
    [],
  ],
  ['a retry without a budget', () => [retry({ budgeted: false })], ['retry-without-budget']],
  ['a single try without a budget', () => [retry({ budgeted: false, maxAttempts: 1 })], []],
  ['a retry around a retry', () => [retry(), retry()], ['retry-around-retry']],
  [
    'a hedge around a retry',
    () => [some('hedge', { maxAttempts: 2 }), retry()],
    ['retry-around-retry'],
  ],
  ['a breaker around a retry', () => [some('circuit-breaker'), retry()], ['breaker-around-retry']],
  ['a pool around a retry', () => [some('pool'), some('timeout'), retry()], ['pool-around-retry']],
  ['a fallback in a retry', () => [retry(), some('fallback')], ['fallback-inside']],
  [
    'a fallback in a breaker',
    () => [some('circuit-breaker'), some('fallback')],
    ['fallback-inside'],
  ],
  [
    'a window shorter than two tries of the retry around it',
    () => [retry({ timeoutMs: 6000 }), some('circuit-breaker', { windowMs: 10_000 })],
    ['window-too-short'],
  ],
  [
    'a window shorter than two calls within it',
    () => [some('circuit-breaker', { windowMs: 10_000 }), some('timeout', { timeoutMs: 5001 })],
    ['window-too-short'],
  ],
  [
    'a window of two tries',
    () => [retry({ timeoutMs: 5000 }), some('circuit-breaker', { windowMs: 10_000 })],
    [],
  ],
  [
    'a total time limit around a retry says nothing about a try',
    () => [
      some('timeout', { timeoutMs: 60_000 }),
      retry(),
      some('circuit-breaker', { windowMs: 10_000 }),
    ],
    [],
  ],
])('%s', ([, policies, codes]) => {
  expect(built(policies())).toEqual(codes);
});

test('what is meant as it is can be accepted, and is not warned about', () => {
  expect(built([retry({ budgeted: false })], ['retry-without-budget'])).toEqual([]);
});

test('advice names the policies, the reason and the remedy', () => {
  const emitted = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined);
  const [breaker, tries] = [some('circuit-breaker'), retry()];
  pipeline('payments', [breaker, tries]);
  const [warning] = emitted.mock.calls[0] as [Error];
  emitted.mockRestore();
  expect(warning.message).toBe(
    `pipeline payments: ${breaker.name} stands around ${tries.name}: it sees what is left after all tries, and opens late; put it further in, so that it sees each try and ends the retrying (accept: ['breaker-around-retry'] if it is meant)`,
  );
});

test('a total time limit that is shorter than that of a try is refused', () => {
  const total = some('timeout', { timeoutMs: 500 });
  const tries = retry({ timeoutMs: 800 });
  expect(() => pipeline('p', [total, tries])).toThrow(
    `pipeline p: the 500 ms of ${total.name} must be at least the 800 ms of ${tries.name} further in, or those never pass, got 500`,
  );
  expect(() => pipeline('p', [tries, some('timeout', { timeoutMs: 900 })])).toThrow('900 ms');
  expect(() => pipeline('p', [tries, some('timeout', { timeoutMs: 700 })])).not.toThrow();
});

test('a policy whose tasks run in other threads is refused, and the way to run it is told', () => {
  const pool = some('pool', { runsElsewhere: true });
  const told = `${pool.name} must be inside the task, as no closure gets to its workers: pipeline.execute((context) => pool.run('job', input, context)), got a place around it`;
  expect(() => pipeline('p', [some('circuit-breaker'), pool])).toThrow(`pipeline p: ${told}`);
  expect(() => wrap(() => 1, pool)).toThrow(`wrap: ${told}`);
});
