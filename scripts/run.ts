import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { root } from './workspace.ts';

/** What became of a command. */
export interface RunResult {
  /** Exit code; 1 when a signal ended it or it could not start. */
  readonly code: number;
  /** Standard output and standard error as they came. */
  readonly output: string;
  /** Standard output alone. */
  readonly stdout: string;
}

export interface RunOptions {
  /** @default the repository's root */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The command is ended after this time, in milliseconds. @default never */
  readonly timeoutMs?: number;
}

/** Runs `command` with the workspace's tools first on the path, without standard input. */
export function run(command: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program = '', ...args] = command;
  const tools = join(root, 'node_modules', '.bin');
  const child = spawn(program, args, {
    cwd: options.cwd ?? root,
    env: {
      ...process.env,
      PATH: `${tools}${delimiter}${process.env['PATH'] ?? ''}`,
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
  });
  return new Promise((resolve) => {
    let output = '';
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', (error) =>
      resolve({ code: 1, output: `${output}${error.message}\n`, stdout }),
    );
    child.on('close', (code, signal) => {
      if (signal !== null) output += `ended by ${signal}${timeLimit(options)}\n`;
      resolve({ code: code ?? 1, output, stdout });
    });
  });
}

function timeLimit({ timeoutMs }: RunOptions): string {
  return timeoutMs === undefined ? '' : `; it had ${timeoutMs} ms`;
}

/** Runs `command` and throws with its output when it fails. */
export async function mustRun(
  command: readonly string[],
  options?: RunOptions,
): Promise<RunResult> {
  const result = await run(command, options);
  if (result.code !== 0) {
    throw new Error(`${command.join(' ')} failed with code ${result.code}:\n${result.output}`);
  }
  return result;
}
