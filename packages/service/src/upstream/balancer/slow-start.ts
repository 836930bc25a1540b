/** Share of its requests that a target gets at first. */
const LEAST_WEIGHT = 0.1;

/**
 * How much of its share a target gets that began `sinceMs` ago: from a tenth, in a straight line, to all of
 * it after `durationMs`.
 * @see https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/slow_start
 */
export function slowStartWeight(sinceMs: number, durationMs: number): number {
  if (!(sinceMs < durationMs)) return 1;
  return Math.max(LEAST_WEIGHT, sinceMs / durationMs);
}
