import { ThreadPool, type Job } from '../../src/index.ts';

/**
 * A program that has one job do something risky, and then an ordinary one: prints what became of them, if it
 * lives. Arguments: the isolation, and the risk.
 */
const risks: Record<string, Job> = {
  throw: () => {
    throw new RangeError('no');
  },
  'endless loop': () => {
    for (;;);
  },
  exit: () => process.exit(3),
  'gradual growth': () => {
    let chain: unknown;
    for (;;) chain = { chain };
  },
  'huge array': () => new Array(2 ** 27).fill(0).length,
  'array that doubles': () => {
    const items: number[] = [];
    for (;;) items.push(items.length);
  },
  'split text': () => 'x'.repeat(2 ** 28).split('').length,
  'native crash': () => {
    process.kill(process.pid, 'SIGSEGV');
    // Until the signal has come.
    for (;;);
  },
  buffers: () => Array.from({ length: 8 }, () => new Uint8Array(2 ** 25)).length,
};

const [isolation, risk = ''] = process.argv.slice(2) as ['thread' | 'process', string?];
const pool = new ThreadPool({ size: 1, isolation, maxHeapMb: 64 });
const risky = pool.define('risky', risks[risk] as Job);
const echo = pool.define('echo', (x: string) => x);
const timeoutMs = risk === 'endless loop' ? 100 : Infinity;
const outcome = await risky(undefined, { timeoutMs }).then(
  (value) => `gives ${String(value)}`,
  (error: unknown) => (error as Error).name,
);
process.stdout.write(`${outcome}, then ${await echo('serves')}`);
await pool.stop();
