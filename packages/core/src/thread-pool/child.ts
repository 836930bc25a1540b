import { fork, type ChildProcess } from 'node:child_process';
import type { ThreadOptions } from './thread-worker.ts';

/** The file that a process runs lies beside this one, in the form in which this one is. */
const ENTRY = new URL(
  import.meta.url.endsWith('.ts') ? './worker/process-entry.ts' : './worker/process-entry.js',
  import.meta.url,
);

/**
 * Starts the process of a worker. Neither it nor its channel keeps this process alive.
 * @throws when the system refuses
 */
export function startChild(options: ThreadOptions): ChildProcess {
  const { maxHeapMb, execArgv, env } = options;
  const child = fork(ENTRY, [], {
    serialization: 'advanced',
    execArgv: execArgvOf(maxHeapMb, execArgv),
    // The third is the channel; the fourth the lifeline.
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe'],
    ...(env === undefined ? {} : { env: { ...env } }),
  });
  child.unref();
  child.channel?.unref();
  return child;
}

/** The limit of the heap goes before what the user says and after what this process was started with. */
function execArgvOf(maxHeapMb: number | undefined, given: readonly string[] | undefined): string[] {
  const limit = maxHeapMb === undefined ? [] : [`--max-old-space-size=${maxHeapMb}`];
  return given === undefined ? [...inherited(process.execArgv), ...limit] : [...limit, ...given];
}

/** Options that take what follows as the program, which is another one here. */
const PROGRAM: ReadonlySet<string> = new Set(['-e', '--eval', '-p', '--print', '-pe']);

/** Without a program on the command line, and without a port to inspect at, which this process has. */
function inherited(execArgv: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < execArgv.length; i++) {
    const option = execArgv[i] as string;
    if (PROGRAM.has(option)) i++;
    else if (!/^--(?:inspect|input-type|debug)\b/u.test(option)) kept.push(option);
  }
  return kept;
}
