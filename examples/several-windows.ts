/** 100 calls a second and 1,000 an hour for each client, and a limit for all of them together: four windows as one. */
import {
  all,
  KeyedLimiter,
  SlidingLog,
  SlidingWindow,
  type AllLimiter,
  type Clock,
} from '@sluice/core';
import { ManualClock } from '@sluice/core/testing';

const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;

/** A call takes from all four or from none: one that the hour refuses costs nothing of the second. */
function createLimits(clock?: Clock): AllLimiter {
  const second = { windowMs: SECOND_MS, clock };
  const hour = { windowMs: HOUR_MS, clock };
  return all([
    // A log counts exactly and holds a number for each call; for the hours a few counters will do.
    new KeyedLimiter({ ...second, name: 'second', algorithm: 'sliding-log', limit: 100 }),
    new KeyedLimiter({ ...hour, name: 'hour', algorithm: 'sliding-window', limit: 1000 }),
    new SlidingLog({ ...second, name: 'second of all', limit: 250 }),
    new SlidingWindow({ ...hour, name: 'hour of all', limit: 100_000 }),
  ]);
}

/** Lets `key` make so many calls, and says how many came in. */
function call(limits: AllLimiter, key: string, calls: number): number {
  let allowed = 0;
  for (let i = 0; i < calls; i++) if (limits.allow(1, key)) allowed++;
  return allowed;
}

const limits = createLimits();
for (const key of ['Ann', 'Bob', 'Eve', 'Ann']) {
  console.log(`${key}: ${call(limits, key, 150)} of 150`);
}
await limits.wait(1, { key: 'Eve', maxWaitMs: 5000 }); // Until the second is over, and in turn.
console.log('Eve: 1 after a wait');

// The same limits on the clock of a test, in which an hour takes no time.
const clock = new ManualClock();
const tested = createLimits(clock);
let inAnHour = 0;
for (let second = 0; second < 60; second++) {
  inAnHour += call(tested, 'Ann', 150);
  clock.advance(SECOND_MS);
}
console.log(`Ann: ${inAnHour} in the first minute`);
const waitMs = tested.retryAfterMs(1, 'Ann');
console.log(
  `Ann: the next one in ${Math.round(waitMs / 60_000)} minutes; Bob: ${call(tested, 'Bob', 150)} of 150`,
);
clock.advance(waitMs);
console.log(`Ann: ${call(tested, 'Ann', 1)} of 1`);
