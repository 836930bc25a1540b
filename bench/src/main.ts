import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measure, sizesOf } from './bench.ts';
import { selectSubjects } from './catalogue.ts';
import { parseCommand, USAGE, type Command } from './command.ts';
import { describeMachine } from './harness/machine.ts';
import type { SubjectResult } from './harness/result.ts';
import { BenchError } from './harness/subject.ts';
import { renderResult } from './harness/table.ts';

/** Runs what the command line asks for. Returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const command = parseCommand(args);
  if (command.help) return say(USAGE);
  const subjects = await selectSubjects(command.names);
  if (command.list)
    return say(subjects.map(({ name, operation }) => `${name.padEnd(28)}${operation}`).join('\n'));
  say(heading(args, command));
  const results: SubjectResult[] = [];
  for (const subject of subjects) {
    const result = await measure(subject, sizesOf(command));
    results.push(command.smoke ? { ...result, verdicts: [] } : result);
    say(`\n${renderResult(results.at(-1) as SubjectResult)}`);
  }
  await writeReport(args, command, results);
  const unmet = results.flatMap(({ verdicts }) => verdicts).some(({ met }) => met === false);
  return command.strict && unmet ? 1 : 0;
}

function say(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

function heading(args: readonly string[], { smoke }: Command): string {
  const command = ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' ');
  const lines = [`Command: \`${command}\``, ...describeMachine()].map((line) => `- ${line}`);
  const warning = smoke ? ['', '**A smoke run: its figures mean nothing.**'] : [];
  return ['# Bench', '', ...lines, ...warning].join('\n');
}

/** A smoke run leaves a report only where it is told to. */
async function writeReport(
  args: readonly string[],
  command: Command,
  results: readonly SubjectResult[],
): Promise<void> {
  if (command.smoke && command.report === undefined) return;
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  const file = resolve(
    command.report ?? fileURLToPath(new URL(`../results/${stamp}.md`, import.meta.url)),
  );
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${[heading(args, command), ...results.map(renderResult)].join('\n\n')}\n`);
  say(`\nReport: ${file}`);
}

try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof BenchError)) throw error;
  process.stderr.write(`bench: ${error.message}\n`);
  process.exit(1);
}
