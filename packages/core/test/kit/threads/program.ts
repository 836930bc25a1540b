import { ThreadPool } from '../../../src/index.ts';
import type * as jobs from './jobs.ts';

/*
 * A program with a pool of two threads, for tests of what it does to its process. Its argument says what
 * becomes of it; it says in JSON what it saw.
 */

const [way = 'rest'] = process.argv.slice(2);
const pool = new ThreadPool<typeof jobs>(new URL('./jobs.ts', import.meta.url), {
  size: 2,
  name: 'program',
  keepAlive: way === 'keepAlive',
});

function say(fact: Readonly<Record<string, unknown>>): void {
  console.log(JSON.stringify(fact));
}

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

switch (way) {
  case 'rest':
    say({ result: await pool.run('echo', 'done') });
    break;
  case 'unused':
    say({ result: 'nothing' });
    break;
  case 'busy':
    // Nothing but the task keeps the process alive.
    void pool.run('burn', 300).then(() => say({ result: 'burnt' }));
    break;
  case 'waiting':
    void pool.run('burn', 100);
    void pool.run('burn', 100);
    void pool.run('echo', 'after them').then((result) => say({ result }));
    break;
  case 'stopped':
    await pool.run('echo', 1);
    say({ result: await pool.stop() });
    break;
  case 'keepAlive':
    say({ result: await pool.run('echo', 'done') });
    process.once('SIGTERM', () => void pool.stop().then((result) => say({ result })));
    break;
  case 'idle': {
    for (let i = 0; i < 100; i++) await pool.run('echo', i);
    await later(500);
    const before = process.cpuUsage();
    const sinceMs = performance.now();
    await later(4000);
    const { user, system } = process.cpuUsage(before);
    say({ msPerSecond: (user + system) / (performance.now() - sinceMs) });
    break;
  }
  case 'leftovers': {
    const seen = (): readonly string[] => process.getActiveResourcesInfo().toSorted();
    const before = seen();
    for (let round = 0; round < 3; round++) {
      const other = new ThreadPool<typeof jobs>(new URL('./jobs.ts', import.meta.url), { size: 2 });
      const { signal } = new AbortController();
      const runs = Array.from({ length: 50 }, (_, i) =>
        other.run('echo', i, { signal, timeoutMs: 60_000, deadlineMs: 90_000 }),
      );
      await Promise.all(runs);
      await other.stop();
    }
    await later(10);
    say({ before, after: seen() });
    break;
  }
  case 'print': {
    const print = pool.define('print', (text: string) => {
      console.log(text);
      console.error(`not ${text}`);
      process.stdout.write('one line ');
      process.stdout.write('in two parts\n');
    });
    await print('a line\nand another');
    await pool.stop();
    break;
  }
  default:
    throw new Error(`no such way: ${way}`);
}
