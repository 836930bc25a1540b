import { ThreadPool, TimeoutError } from '@sluice/core';
import type * as jobs from './jobs.ts';

/** CPU work on threads: typed jobs, moved pictures, and a job that never ends. */
const pool = new ThreadPool<typeof jobs>(new URL('./jobs.ts', import.meta.url), {
  name: 'cpu',
  size: 2,
  queue: 100,
});

console.log('digest', await pool.run('digest', 'some text'));

const pixels = new Uint8Array(1_000_000);
const negative = await pool.run('invert', { pixels }, { transfer: [pixels.buffer] });
console.log('inverted', negative[0], 'of', negative.length, 'and left', pixels.length);

const texts = ['a', 'b', 'c'];
const tasks = pool.map(texts, (text) => pool.task('digest', text));
for await (const sum of tasks) console.log('digest', sum);

const endless = pool.run('search', undefined, { timeoutMs: 50 });
const neighbour = pool.call.digest('served meanwhile');
console.log('digest', await neighbour);
await endless.catch((error: unknown) => {
  if (!(error instanceof TimeoutError)) throw error;
  console.log(error.message);
});

const { completed } = pool.stats();
console.log(`${completed} done, and`, await pool.stop());
