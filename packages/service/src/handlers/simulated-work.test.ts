import { ManualClock } from '@sluice/core/testing';
import { expect, test } from 'vitest';

import type { HandlerRequest } from '../http/index.ts';
import { simulatedWork } from './simulated-work.ts';

function setup(durationMs: number) {
  const clock = new ManualClock();
  const call = new AbortController();
  const request = { options: { durationMs }, signal: call.signal, waitedMs: 0.12345 };
  const asked = Promise.resolve(simulatedWork(clock)(request as unknown as HandlerRequest));
  return { clock, call, asked };
}

test('it answers after its time and not before', async () => {
  const { clock, asked } = setup(100);
  let answer: unknown;
  void asked.then((value) => {
    answer = value;
  });
  await clock.run(99);
  expect(answer).toBeUndefined();
  await clock.run(1);
  expect(answer).toEqual({ status: 'done', waitedMs: 0.123, workedMs: 100 });
});

test('it ends with its signal, and leaves no timer', async () => {
  const { clock, call, asked } = setup(100);
  call.abort(new Error('nobody waits'));
  await expect(asked).rejects.toThrow('nobody waits');
  expect(clock.pending).toBe(0);
});
