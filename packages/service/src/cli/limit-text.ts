import type { ResolvedLimiter } from '../config/index.ts';

/** The limit in words, for people: `100/s (burst 200) per ip`. */
export function limitText({ key, ...limit }: ResolvedLimiter): string {
  const rate =
    'limit' in limit
      ? `${limit.limit} per ${duration(limit.windowMs)}`
      : `${limit.ratePerSecond}/s (burst ${limit.capacity})`;
  return key === undefined ? rate : `${rate} per ${keyText(key)}`;
}

function keyText(key: NonNullable<ResolvedLimiter['key']>): string {
  if (typeof key === 'string') return key;
  return 'header' in key ? key.header : 'API key';
}

const UNITS = [
  ['day', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;

/** `60000` as `min`, `90000` as `90 s`. */
function duration(ms: number): string {
  const [unit, length] = UNITS.find(([, each]) => ms % each === 0) ?? (['ms', 1] as const);
  return ms === length ? unit : `${ms / length} ${unit}`;
}
