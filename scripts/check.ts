import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leftovers } from './leftovers.ts';
import { packAll } from './pack.ts';
import { run } from './run.ts';
import type { Step, StepResult } from './steps.ts';
import { runSteps } from './steps.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-check-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** Every package as it would be published. */
let tarballs: ReturnType<typeof packAll> = Promise.resolve([]);

const steps: readonly Step[] = [
  { name: 'build', run: () => script('build') },
  { name: 'format', run: () => script('format:check') },
  // After the build, which takes away files that rules with types look at.
  { name: 'lint', run: () => script('lint'), after: ['build'] },
  { name: 'types', run: () => script('types') },
  { name: 'leftovers', run: findLeftovers, after: ['build', 'types'] },
  { name: 'architecture', run: () => script('architecture') },
  { name: 'unused', run: () => script('unused') },
  { name: 'pack', run: pack, after: ['build'] },
  { name: 'publint', run: () => eachTarball('publint', 'run', '--strict'), after: ['pack'] },
  { name: 'attw', run: () => eachTarball('attw', '--profile', 'esm-only'), after: ['pack'] },
];

/** Runs a script of package.json, so that each check can also be run by itself. */
function script(name: string): Promise<string> {
  return problemsOf(['node', '--run', name]);
}

async function problemsOf(command: readonly string[]): Promise<string> {
  const { code, output } = await run(command);
  return code === 0 ? '' : output || `${command.join(' ')} failed with code ${code}`;
}

function findLeftovers(): Promise<string> {
  return Promise.resolve(leftovers().join('\n'));
}

async function pack(): Promise<string> {
  tarballs = packAll(folder);
  await tarballs;
  return '';
}

async function eachTarball(...command: readonly string[]): Promise<string> {
  const problems: string[] = [];
  for (const { path } of await tarballs) problems.push(await problemsOf([...command, path]));
  return problems.join('');
}

const SIGNS = { passed: '✓', failed: '✗', 'not run': '-' } as const;

function line({ name, state, durationMs }: StepResult): string {
  return `${SIGNS[state]} ${name} ${(durationMs / 1_000).toFixed(1)} s\n`;
}

function report(result: StepResult): void {
  process.stdout.write(line(result));
  if (result.output !== '') process.stdout.write(`${result.output.trimEnd()}\n\n`);
}

const results = await runSteps(steps, 2, report);
const bad = results.filter(({ state }) => state !== 'passed').map(({ name }) => name);
process.stdout.write(
  bad.length === 0 ? `All ${results.length} checks passed.\n` : `Not passed: ${bad.join(', ')}.\n`,
);
if (bad.length > 0) process.exitCode = 1;
