import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { BenchError } from './subject.ts';

const COMPILE_CACHE = fileURLToPath(
  new URL('../../../node_modules/.cache/compile', import.meta.url),
);

/** No part of a bench takes longer than this; a child that does hangs. */
const PATIENCE_MS = 120_000;

export interface ChildOptions {
  /** Module to run. */
  readonly url: URL;
  /** Handed to the child as JSON. */
  readonly task: unknown;
  readonly flags?: readonly string[];
  /** Core to which the child is bound, where `taskset` exists. */
  readonly core?: number | undefined;
}

/** Starts a Node process that resolves the workspaces' sources as this one does. */
export function startChild(options: ChildOptions): ChildProcess {
  const { url, task, flags = [], core } = options;
  const node = ['--conditions=sluice-source', ...flags];
  const pin = core === undefined ? [] : ['-c', String(core), process.execPath];
  // Workers of the sources' own would otherwise be compiled anew each time that one starts; packages are compiled.
  const env = { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE };
  return fork(url, [JSON.stringify(task)], {
    env,
    execPath: core === undefined ? process.execPath : 'taskset',
    execArgv: [...pin, ...node],
  });
}

/** The task that {@link startChild} handed to this process. */
export function childTask<T>(): T {
  return JSON.parse(process.argv[2] ?? 'null') as T;
}

/** The next message of a child. @throws BenchError when it dies or stays silent instead. */
export async function nextMessage<T>(child: ChildProcess): Promise<T> {
  const listening = new AbortController();
  const { signal } = listening;
  const patience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([message]) => message as T),
      once(child, 'exit', { signal }).then(([code, killedBy]) => {
        throw new BenchError(
          `a bench process ended without an answer (${String(code ?? killedBy)})`,
        );
      }),
    ]);
  } finally {
    clearTimeout(patience);
    listening.abort();
  }
}

/** Sends a request to a child and waits for its answer. */
export async function ask<T>(child: ChildProcess, request: unknown): Promise<T> {
  child.send(request as object);
  return nextMessage<T>(child);
}
