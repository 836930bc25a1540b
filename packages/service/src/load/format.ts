const withDigits = [0, 1, 2].map(
  (digits) => new Intl.NumberFormat('en-US', { maximumFractionDigits: digits }),
);

/** `10,234`. */
export function formatCount(count: number): string {
  return withDigits[0]!.format(count);
}

/** `1,000/s`, `99.8/s`, `0.25/s`. */
export function formatRate(perSecond: number): string {
  return `${formatNumber(perSecond)}/s`;
}

/** A latency: `0.42 ms`, `1.1 ms`, `112 ms`. */
export function formatMs(ms: number): string {
  return `${formatNumber(ms)} ms`;
}

/** A length of time: `500 ms`, `10 s`, `1.5 s`. */
export function formatTime(ms: number): string {
  return ms < 1000 ? formatMs(ms) : `${formatNumber(ms / 1000)} s`;
}

/** Three figures or so: `0.42`, `1.1`, `112`, `10,234`. */
export function formatNumber(value: number): string {
  const digits = value < 1 ? 2 : value < 100 ? 1 : 0;
  return withDigits[digits]!.format(value);
}

/** Rows in columns two spaces apart: the first to the left, the others to the right. No trailing spaces. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join('  ')
      .trimEnd();
  return rows.map((row) => `  ${line(row)}\n`).join('');
}
