import { ManualClock, settlePromises } from '@sluice/core/testing';
import { expect, test } from 'vitest';

import { Exchanges } from './exchanges.ts';

function setup() {
  const clock = new ManualClock();
  const exchanges = new Exchanges(clock, () => undefined);
  let settled = 0;
  const wait = (done: () => boolean, withinMs: number): void => {
    void exchanges.until(done, withinMs).then(() => settled++);
  };
  return { clock, wait, settled: () => settled };
}

test('until ends at once when there is nothing to wait for, or no time', async () => {
  const { clock, wait, settled } = setup();
  wait(() => true, 100);
  wait(() => false, 0);
  wait(() => false, -5);
  await settlePromises();
  expect(settled()).toBe(3);
  expect(clock.pending).toBe(0);
});

test('until ends after its time, and not before, and leaves no timer', async () => {
  const { clock, wait, settled } = setup();
  wait(() => false, 100);
  await clock.run(99);
  expect(settled()).toBe(0);
  await clock.run(1);
  expect(settled()).toBe(1);
  expect(clock.pending).toBe(0);
});
