/** A time in ms, to the microsecond: what an answer shows. */
export function toMicros(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
