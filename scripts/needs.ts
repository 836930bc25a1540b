import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './workspace.ts';

/** Something that the tests cannot do without. */
export interface Need {
  readonly name: string;
  /** Resolves when it is there; throws what is wrong with it when it is not. */
  find(): Promise<void>;
  /** Packages of Debian that bring it. */
  readonly apt?: readonly string[];
  /** What to do when it is missing. */
  readonly hint: string;
}

/** The test that stops a service under 300 clients holds both ends of its connections, with room to spare. */
const OPEN_FILES = 2_000;

export const needs: readonly Need[] = [
  {
    name: 'dependencies as package-lock.json names them',
    find: findDependencies,
    hint: 'Run `npm ci`.',
  },
  {
    name: 'a temporary folder to write to',
    find: findTemporaryFolder,
    hint: 'Let TMPDIR name a folder that you may write to.',
  },
  {
    name: 'TCP sockets on 127.0.0.1',
    find: findLoopback,
    hint: 'Allow the tests to listen on and to reach the loopback interface.',
  },
  {
    name: `${OPEN_FILES} open files`,
    find: findOpenFiles,
    hint: `Raise the hard limit, for example with \`ulimit -n ${OPEN_FILES}\`.`,
  },
];

interface Lock {
  readonly packages: Readonly<
    Record<
      string,
      { readonly version?: string; readonly optional?: boolean; readonly link?: boolean }
    >
  >;
}

async function findDependencies(): Promise<void> {
  const read = async (path: string): Promise<Lock> =>
    JSON.parse(await readFile(join(root, path), 'utf8')) as Lock;
  const wanted = await read('package-lock.json');
  const installed = await read('node_modules/.package-lock.json');
  for (const [path, { version, optional, link }] of Object.entries(wanted.packages)) {
    if (!path.includes('node_modules/') || optional === true || link === true) continue;
    const found = installed.packages[path]?.version;
    if (found !== version) {
      throw new Error(`${path} is ${found ?? 'missing'} and should be ${version ?? 'there'}`);
    }
  }
}

async function findTemporaryFolder(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-setup-'));
  await writeFile(join(folder, 'file'), 'text');
  await rm(folder, { recursive: true });
}

async function findLoopback(): Promise<void> {
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1').resume();
    await once(client, 'close');
  } finally {
    server.close();
  }
}

/** Node raises its own limit to the hard one when it starts, so that is the limit that counts. */
async function findOpenFiles(): Promise<void> {
  const report = process.report.getReport() as unknown as {
    readonly userLimits?: { readonly open_files?: { readonly soft: number | string } };
  };
  const limit = report.userLimits?.open_files?.soft;
  if (typeof limit === 'number' && limit < OPEN_FILES) {
    throw new Error(`this process may open ${limit}`);
  }
}
