import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { onTestFinished } from 'vitest';

import { until } from './until.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const SLUICE = here('../../bin/sluice.js');
/** Halves the start of a process. */
const NODE_COMPILE_CACHE = here('../../../../node_modules/.cache/compile');

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** By the test's clock. */
  readonly atMs: number;
}

export interface ProcessOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** The program in a process of its own. The test that started it ends it, also when it fails. */
export class SluiceProcess {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';
  #end: Ended | undefined;

  /** @param args what comes after `node` */
  constructor(args: readonly string[], options: ProcessOptions = {}) {
    const child = spawn(process.execPath, args, {
      cwd: options.cwd,
      env: { ...process.env, NODE_COMPILE_CACHE, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.ended = new Promise((resolve) => {
      child.on('close', (code, signal) => {
        this.#end = { code, signal, atMs: performance.now() };
        resolve(this.#end);
      });
    });
    onTestFinished(() => void child.kill('SIGKILL'));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** The whole lines of its log so far. */
  get log(): readonly Record<string, unknown>[] {
    const lines = this.#stdout.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }
}

/** A service that is ready to answer. */
export interface Serving {
  readonly process: SluiceProcess;
  readonly url: string;
  readonly port: number;
}

/** Runs `sluice serve` with these arguments, and waits until it answers. */
export async function serve(
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<Serving> {
  const child = new SluiceProcess([SLUICE, 'serve', ...args], options);
  const screen = (): RegExpExecArray | null => / on (http:\S+)/.exec(child.stderr);
  await until('the service is up', () => screen() !== null || child.hasEnded);
  const url = screen()?.[1];
  if (url === undefined) throw new Error(`the service ended instead: ${child.stderr}`);
  return { process: child, url, port: Number(new URL(url).port) };
}

/** Runs the program to its end. */
export async function run(
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = new SluiceProcess([SLUICE, ...args], options);
  const { code } = await child.ended;
  return { code, stdout: child.stdout, stderr: child.stderr };
}

/** Runs a script that uses the packages as a library, from their sources. */
export function runScript(path: string): SluiceProcess {
  return new SluiceProcess(['-C', 'sluice-source', path]);
}
