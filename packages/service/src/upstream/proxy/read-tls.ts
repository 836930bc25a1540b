import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { ResolvedUpstreamTls } from '../../config/index.ts';
import type { TlsOptions } from './connections.ts';

/** What is wrong with a file that the configuration names. */
export interface TlsFileProblem {
  /** `ca`, `cert` or `key`. */
  readonly option: string;
  readonly path: string;
  readonly reason: string;
}

/** Reads the files that TLS needs, relative to `folder`; or says which of them cannot be read, and why. */
export async function readTls(
  config: ResolvedUpstreamTls,
  folder: string,
): Promise<{ readonly tls: TlsOptions; readonly problems: readonly TlsFileProblem[] }> {
  const problems: TlsFileProblem[] = [];
  const read = async (option: 'ca' | 'cert' | 'key'): Promise<Buffer | undefined> => {
    const path = config[option];
    if (path === undefined) return undefined;
    try {
      return await readFile(resolve(folder, path));
    } catch (error) {
      const { code = 'unreadable' } = error as NodeJS.ErrnoException;
      problems.push({ option, path, reason: code });
      return undefined;
    }
  };
  const [ca, cert, key] = await Promise.all([read('ca'), read('cert'), read('key')]);
  const { serverName, verify } = config;
  return { tls: { ca, cert, key, serverName, verify }, problems };
}
