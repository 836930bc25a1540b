import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { cpuMicrosOf } from './process-cpu.ts';

test.runIf(existsSync('/proc/self/schedstat'))(
  'the CPU time of a process counts what its children use',
  async () => {
    const busy = `while (process.cpuUsage().user < 200_000); console.log(1); process.stdin.resume()`;
    // A shell that has something left to do stays, and runs the busy process as its child.
    const shell = spawn('sh', ['-c', '"$0" -e "$1"; true', process.execPath, busy]);
    onTestFinished(() => void shell.stdin.end());
    await once(shell.stdout, 'data');
    expect(cpuMicrosOf(shell.pid ?? 0)).toBeGreaterThan(150_000);
  },
);
