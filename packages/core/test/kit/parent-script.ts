import { ThreadPool } from '../../src/index.ts';
import type * as jobs from './process-jobs.ts';

/**
 * A program with a pool of two processes: prints their pids, then does what its argument says. `idle`: nothing more,
 * so it ends by itself; `looping`: has them loop without end, and waits; `exit`: the same, then exits.
 */
const module = new URL('./process-jobs.ts', import.meta.url);
const options = { size: 2, isolation: 'process', name: 'cpu' } as const;
const pool = new ThreadPool<typeof jobs>(module, options);
const pids = await pool.broadcast({ job: 'pid' });
const what = process.argv[2];
if (what === 'print') await pool.run('print', 'one\ntwo\n');
else process.stdout.write(`${pids.join(' ')}\n`);
if (what === 'looping' || what === 'exit') {
  void pool.run('loop');
  void pool.run('loop');
}
if (what === 'exit') setImmediate(() => process.exit(0));
