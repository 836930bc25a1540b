import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { BenchError, type Listening } from '../../harness/subject.ts';
import { cpuMicrosOf } from './process-cpu.ts';

/** A proxy that is a program of its own, where the machine has it. */
export interface Program {
  readonly command: string;
  /** Makes it serve from a configuration file, in the foreground. */
  arguments(configFile: string): readonly string[];
  configuration(setting: ProgramSetting): string;
}

export interface ProgramSetting {
  readonly port: number;
  readonly upstreamPort: number;
  /** Empty, and the program's own until it ends. */
  readonly folder: string;
}

/** Servers are often installed where only root looks for programs. */
const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin` };

/** Version of a program, or undefined where it, or what it takes to measure it, is missing. */
export function versionOf({ command }: Program): string | undefined {
  if (!existsSync('/proc/self/schedstat')) return undefined;
  if (spawnSync('setpriv', ['--version']).error !== undefined) return undefined;
  const { error, stdout, stderr } = spawnSync(command, ['-v'], { env, encoding: 'utf8' });
  return error === undefined ? /\d+(?:\.\d+)+/.exec(stdout + stderr)?.[0] : undefined;
}

/**
 * Runs a program as the current user, in a temporary folder. It ends when it is closed, and at the latest
 * with this process.
 * @throws BenchError with what the program said when it does not stay
 */
export async function runProgram(program: Program, upstreamPort: number): Promise<Listening> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const port = await freePort();
  const configFile = join(folder, 'configuration');
  writeFileSync(configFile, program.configuration({ port, upstreamPort, folder }));
  // The kernel sends the signal when this process is gone, even if it was killed.
  const command = ['--pdeathsig', 'TERM', program.command, ...program.arguments(configFile)];
  const child = spawn('setpriv', command, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const said = text(child.stderr);
  const closed = once(child, 'close');
  const close = async (): Promise<void> => {
    child.kill();
    await closed;
    // Not before all of its processes have ended: they remove files of their own.
    rmSync(folder, { recursive: true });
  };
  while (child.exitCode === null && child.signalCode === null) {
    if (await accepts(port)) return { port, cpuMicros: () => cpuMicrosOf(child.pid ?? 0), close };
    await setTimeout(10);
  }
  await close();
  throw new BenchError(`${program.command} ended before it listened: ${await said}`);
}

/** A port below those that systems hand out by themselves, so that nobody gets it by chance. */
async function freePort(): Promise<number> {
  let port = 10_000 + (process.pid % 20_000);
  while (!(await isFree(port))) port++;
  return port;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
