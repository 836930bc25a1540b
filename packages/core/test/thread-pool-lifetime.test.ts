import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { until } from './kit/threads/pools.ts';

const program = fileURLToPath(new URL('./kit/threads/program.ts', import.meta.url));

interface Run {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

function start(way: string): { output(): string; end: Promise<Run>; kill(): void } {
  const child = spawn(process.execPath, [program, way], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const end = once(child, 'close').then(([code]) => ({
    stdout,
    stderr,
    code: code as number | null,
  }));
  return { output: () => stdout, end, kill: () => void child.kill('SIGTERM') };
}

async function said(way: string): Promise<Record<string, unknown>> {
  const { stdout, stderr, code } = await start(way).end;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe('a process with a thread pool', () => {
  test.each([
    { way: 'rest', when: 'ends by itself when the pool has nothing to do', result: 'done' },
    { way: 'unused', when: 'ends by itself when the pool was never used', result: 'nothing' },
    { way: 'busy', when: 'stays while a task runs', result: 'burnt' },
    { way: 'waiting', when: 'stays while a task waits', result: 'after them' },
    {
      way: 'stopped',
      when: 'ends when the pool has stopped',
      result: { refused: 0, ended: 0, running: 0 },
    },
  ])('$when', async ({ way, result }) => {
    expect(await said(way)).toEqual({ result });
  });

  test('stays while the pool is idle when it is asked to, and ends when that stops', async () => {
    const run = start('keepAlive');
    await until(() => run.output().includes('\n'));
    await new Promise((resolve) => setTimeout(resolve, 300));
    run.kill();
    const { stdout, code } = await run.end;
    expect(code).toBe(0);
    expect(stdout).toBe('{"result":"done"}\n{"result":{"refused":0,"ended":0,"running":0}}\n');
  });

  test('uses next to no CPU time while the pool is idle', async () => {
    const { msPerSecond } = await said('idle');
    expect(msPerSecond).toBeLessThan(5);
  });

  test('is left with no handle, no thread and no timer by pools that have stopped', async () => {
    const { before, after } = await said('leftovers');
    expect(after).toEqual(before);
  });

  test('prints what its workers print, line by line with their names', async () => {
    const { stdout, stderr, code } = await start('print').end;
    const name = /^program-\d/u.exec(stdout)?.[0];
    const lines = ['a line', 'and another', 'one line in two parts'];
    expect(code).toBe(0);
    expect(stdout).toBe(lines.map((line) => `${name}: ${line}\n`).join(''));
    expect(stderr).toBe(`${name}: not a line\n${name}: and another\n`);
  });
});
