import { existsSync } from 'node:fs';
import type { Need } from './needs.ts';
import { needs } from './needs.ts';
import { run } from './run.ts';

/** Installs packages of the operating system. Resolves whether it could. */
export type Installer = (packages: readonly string[]) => Promise<boolean>;

/** Finds every need, installs what can be installed, and returns a line for each that stays unmet. */
export async function unmet(list: readonly Need[], install: Installer): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const need of list) {
    let problem = await problemOf(need);
    if (problem !== undefined && need.apt !== undefined && (await install(need.apt))) {
      problem = await problemOf(need);
    }
    if (problem !== undefined) lines.push(`The tests need ${need.name}: ${problem}. ${need.hint}`);
  }
  return lines;
}

async function problemOf(need: Need): Promise<string | undefined> {
  try {
    await need.find();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** On Debian, and as root; elsewhere it is for the user to decide what is installed. */
async function installWithApt(packages: readonly string[]): Promise<boolean> {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return false;
  process.stdout.write(`Installing ${packages.join(', ')} with apt-get\n`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await run(['apt-get', 'update'], { env });
  const { code, output } = await run(['apt-get', 'install', '--yes', ...packages], { env });
  if (code !== 0) process.stderr.write(output);
  return code === 0;
}

if (import.meta.main) {
  const lines = await unmet(needs, installWithApt);
  for (const line of lines) process.stderr.write(`${line}\n`);
  if (lines.length > 0) process.exitCode = 1;
}
