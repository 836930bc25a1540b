import type { OutcomeWindow } from '../collections/index.ts';
import type { ResolvedBreakerOptions } from './options.ts';
import type { StateChangeReason } from './states.ts';

/** Options of a breaker that are not its own alone. */
export type SharedOptions = Omit<ResolvedBreakerOptions, 'name' | 'clock'>;

/**
 * Whether a window says that it is time to open. What every call reads lies in fields of its own, and
 * what is off is a flag: to compare with Infinity would cost every call a nanosecond.
 */
export class BreakerRules {
  readonly options: SharedOptions;
  /** Whether a closed breaker needs the time of a call's end: for its window, or to tell which calls are slow. */
  readonly timed: boolean;
  /** Whether it needs the time of their beginning, too. */
  readonly judgesDuration: boolean;
  readonly #slowCallDurationMs: number;
  readonly #judgesRow: boolean;
  readonly #consecutiveFailures: number;
  readonly #minimumCalls: number;
  readonly #failureRateThreshold: number;
  readonly #slowCallRateThreshold: number;
  readonly #confidence: number;

  constructor(options: SharedOptions) {
    this.options = options;
    this.judgesDuration = options.slowCallDurationMs !== undefined;
    this.timed = options.slidingWindow.type === 'time' || this.judgesDuration;
    this.#slowCallDurationMs = options.slowCallDurationMs ?? 0;
    this.#judgesRow = options.consecutiveFailures !== undefined;
    this.#consecutiveFailures = options.consecutiveFailures ?? 0;
    this.#minimumCalls = options.minimumCalls;
    this.#failureRateThreshold = options.failureRateThreshold;
    this.#slowCallRateThreshold = options.slowCallRateThreshold;
    this.#confidence = options.confidence;
  }

  isSlow(durationMs: number): boolean {
    return this.judgesDuration && durationMs > this.#slowCallDurationMs;
  }

  reasonToOpen(window: OutcomeWindow, consecutiveFailures: number): StateChangeReason | undefined {
    if (this.#judgesRow && consecutiveFailures >= this.#consecutiveFailures) {
      return 'consecutive-failures';
    }
    const { total, failures } = window;
    if (total < this.#minimumCalls) return undefined;
    const threshold = this.#failureRateThreshold;
    if (failures / total >= threshold && this.#isSure(failures, total, threshold)) {
      return 'failure-rate';
    }
    return this.judgesDuration ? this.#reasonToOpenForSlow(window.slow, total) : undefined;
  }

  #reasonToOpenForSlow(slow: number, total: number): StateChangeReason | undefined {
    const threshold = this.#slowCallRateThreshold;
    const opens = slow / total >= threshold && this.#isSure(slow, total, threshold);
    return opens ? 'slow-call-rate' : undefined;
  }

  /**
   * Whether the lower bound of Wilson's interval for a rate that reaches the threshold reaches it, too.
   * Solved for the threshold there is no root in it; and all of the calls reach a threshold of 1.
   * @see https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Wilson_score_interval
   */
  #isSure(count: number, total: number, threshold: number): boolean {
    if (this.#confidence === 0) return true;
    const excess = count - threshold * total;
    return excess ** 2 >= this.#confidence ** 2 * threshold * (1 - threshold) * total;
  }
}

/** The last rules made, while somebody has them. */
let latest: WeakRef<BreakerRules> | undefined;

/** The rules for these options. Breakers that are made alike share theirs: ten thousand cost one. */
export function rulesFor(options: SharedOptions): BreakerRules {
  const last = latest?.deref();
  if (last && isSame(last.options, options, ['name', 'clock'])) return last;
  const rules = new BreakerRules(options);
  latest = new WeakRef(rules);
  return rules;
}

function isSame(a: object, b: object, ignored: readonly string[] = []): boolean {
  const right = b as Record<string, unknown>;
  return (
    Object.keys(a).length === Object.keys(b).length &&
    Object.entries(a).every(
      ([key, value]) => ignored.includes(key) || isSameValue(value, right[key]),
    )
  );
}

/** Nested options are equal by content; functions and what else has methods by identity. */
function isSameValue(a: unknown, b: unknown): boolean {
  return Object.is(a, b) || (isPlain(a) && isPlain(b) && isSame(a, b));
}

function isPlain(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    typeof (value as { type?: unknown }).type === 'string'
  );
}
