import { InvalidOptionsError, type Clock, type Random } from '@sluice/core';
import { parseLoadFlags, type LoadFlags, type ReadFile } from './flags.ts';
import { load } from './load.ts';
import type { LoadOptions } from './options.ts';
import { progressLine, ProgressWriter, type TextOutput } from './progress.ts';
import type { LoadReport } from './figures.ts';
import { renderJson, renderReport } from './report-text.ts';

/** What the command needs of its process. */
export interface LoadIo {
  /** The report. */
  readonly stdout: TextOutput;
  /** Progress and problems. */
  readonly stderr: TextOutput;
  /** Ends the run early, with its report: Ctrl-C. */
  readonly signal?: AbortSignal | undefined;
  /** @default node:fs */
  readonly readFile?: ReadFile;
  /** @default systemClock */
  readonly clock?: Clock;
  /** @default systemRandom */
  readonly random?: Random;
}

/** What the process exits with: 0 completed, 1 not one request succeeded, 2 the options were wrong. */
export type LoadExitCode = 0 | 1 | 2;

/**
 * The action of `sluice load <url>`: sends the load, shows progress on stderr and the report on
 * stdout. Never throws for what the user typed: the problems are told, all at once, on stderr.
 */
export async function runLoad(flags: LoadFlags, io: LoadIo): Promise<LoadExitCode> {
  const options = optionsOrProblems(flags, io);
  if (!options) return 2;
  const report = await loadWithProgress(options, io);
  io.stdout.write(flags.json ? renderJson(report) : renderReport(report));
  return report.latencyMs.success ? 0 : 1;
}

function optionsOrProblems(flags: LoadFlags, io: LoadIo): LoadOptions | undefined {
  try {
    return parseLoadFlags(flags, io.readFile);
  } catch (error) {
    if (!(error instanceof InvalidOptionsError)) throw error;
    for (const { option, expected, got } of error.problems) {
      io.stderr.write(`sluice load: ${option} must be ${expected}, got ${got}\n`);
    }
    return undefined;
  }
}

async function loadWithProgress(options: LoadOptions, io: LoadIo): Promise<LoadReport> {
  const { signal, clock, random } = io;
  const progress = new ProgressWriter(io.stderr);
  const report = await load(options, {
    signal,
    ...(clock && { clock }),
    ...(random && { random }),
    onProgress: (now) => progress.write(progressLine(now)),
  });
  progress.end();
  return report;
}
