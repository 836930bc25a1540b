export { ManualClock, settlePromises } from './manual-clock.ts';
export { SeededRandom } from './seeded-random.ts';
