import { formatCount, formatMs, formatNumber, formatRate } from './format.ts';
import type { LoadProgress } from './load.ts';
import { NOTICEABLE_LATE_MS } from './verdict.ts';

/** Where text goes: a terminal or a file. `process.stderr` is one. */
export interface TextOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  /** Width of the terminal. */
  readonly columns?: number | undefined;
}

/** One line about the last second. */
export function progressLine({ elapsedMs, intervalMs, inFlight, interval }: LoadProgress): string {
  const perSecond = (count: number): string => formatRate((count * 1000) / intervalMs);
  const { statuses, latencyMs } = interval;
  const parts = [
    `${formatNumber(Math.round(elapsedMs / 100) / 10)} s`.padStart(6),
    `offered ${perSecond(interval.offered)}`,
    `goodput ${perSecond(interval.succeeded)}`,
    `in flight ${formatCount(inFlight)}`,
    ...[...statuses].sort(([a], [b]) => a - b).map(([status, n]) => `${status}: ${formatCount(n)}`),
    interval.errors > 0 ? `errors: ${formatCount(interval.errors)}` : '',
    interval.dropped > 0 ? `dropped: ${formatCount(interval.dropped)}` : '',
    interval.lateMs >= NOTICEABLE_LATE_MS ? `late: ${formatMs(interval.lateMs)}` : '',
    latencyMs.count > 0
      ? `p50 ${formatMs(latencyMs.percentile(0.5))}, p99 ${formatMs(latencyMs.percentile(0.99))}`
      : '',
  ];
  return parts.filter((part) => part !== '').join('  ');
}

/** Writes lines of progress: over each other on a terminal, under each other anywhere else. */
export class ProgressWriter {
  readonly #output: TextOutput;
  #open = false;

  constructor(output: TextOutput) {
    this.#output = output;
  }

  write(line: string): void {
    const { isTTY, columns = 80 } = this.#output;
    if (isTTY) {
      // A line as wide as the terminal would wrap, and could not be written over.
      this.#output.write(`\r${line.slice(0, columns - 1)}\u001b[K`);
      this.#open = true;
    } else {
      this.#output.write(`${line}\n`);
    }
  }

  /** Leaves the last line standing. */
  end(): void {
    if (this.#open) this.#output.write('\n');
    this.#open = false;
  }
}
