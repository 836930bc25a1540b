/** Middle and ends of several samples of one figure. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median; of an even count, the mean of the middle two. `NaN` of nothing. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The least value that at least `share` (0 to 1) of the values do not exceed. `NaN` of nothing. */
export function percentileOf(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: medianOf(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * Median of the ratios round by round. The two samples of a round were taken moments apart, so a
 * machine that slows down for a while moves both of them and not the ratio.
 */
export function ratioOf(samples: readonly number[], to: readonly number[]): number {
  return medianOf(samples.map((sample, round) => sample / (to[round] ?? Number.NaN)));
}
