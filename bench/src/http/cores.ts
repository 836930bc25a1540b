import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Cores for the two sides of an HTTP bench, so that neither runs on the other's. */
export interface Cores {
  readonly server: number;
  readonly client: number;
}

/** Two cores that this process may use, or undefined where there is only one or no `taskset`. */
export function pinnableCores(): Cores | undefined {
  if (spawnSync('taskset', ['--version']).error !== undefined) return undefined;
  const allowed =
    /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  const cores = parseCoreList(allowed);
  const [client] = cores;
  const server = cores.at(-1);
  return client === undefined || server === undefined || client === server
    ? undefined
    : { server, client };
}

/** Numbers in a kernel core list such as `0-2,5`. */
export function parseCoreList(list: string): number[] {
  return [...list.matchAll(/(\d+)(?:-(\d+))?/g)].flatMap(([, first, last = first]) => {
    const start = Number(first);
    return Array.from({ length: Number(last) - start + 1 }, (_, i) => start + i);
  });
}
