import { readdirSync, readFileSync } from 'node:fs';

/**
 * User and system CPU time of all threads of a process and of the processes below it, in µs. The kernel's
 * own nanoseconds: `/proc/<pid>/stat` counts in steps of 10 ms, which is more than a short window takes.
 * What has ended is not counted any more.
 */
export function cpuMicrosOf(pid: number): number {
  const threads = `/proc/${pid}/task`;
  return readdirSync(threads).reduce((sum, thread) => {
    const [nanos] = numbersIn(`${threads}/${thread}/schedstat`);
    const children = numbersIn(`${threads}/${thread}/children`).map(cpuMicrosOf);
    return [(nanos ?? 0) / 1000, ...children].reduce((a, b) => a + b, sum);
  }, 0);
}

const numbersIn = (file: string): number[] =>
  readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number);
