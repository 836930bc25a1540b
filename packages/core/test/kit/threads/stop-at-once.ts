import { ThreadPool } from '../../../src/index.ts';

/* A program that stops its pool right after its last result, with nothing else to do. */

const pool = new ThreadPool({ size: 2 });
await pool.submit(() => 1);
await pool.stop();
process.stdout.write('stopped');
