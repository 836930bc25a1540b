import { TimeWindow } from '../collections/index.ts';
import {
  GateChain,
  ShedError,
  type Classify,
  type Clock,
  type ExecuteOptions,
  type GatePolicy,
  type Outcome,
  type PolicyTraits,
  type Task,
} from '../core/index.ts';
import {
  resolveThrottleOptions,
  type AdaptiveThrottleOptions,
  type ResolvedThrottleOptions,
} from './throttle-options.ts';

type Changes = Partial<Omit<AdaptiveThrottleOptions, 'name' | 'clock'>>;

export interface AdaptiveThrottleStats {
  /** Share of the calls that are refused now, 0 to 1. */
  readonly refusedShare: number;
  /** Calls of the window: those that ended, and those refused here. */
  readonly windowCalls: number;
  /** Those that were accepted. */
  readonly windowAccepts: number;
  /** Since the start. */
  readonly permitted: number;
  /** Of those, let in because none had been for `forcedPassMs`, though chance had refused them. */
  readonly forced: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly ignored: number;
  readonly notPermitted: number;
}

/** The cells of the times. */
const LAST_PASS = 0;
const WORKING_SINCE = 1;

/**
 * Refuses calls in proportion to how few of them are accepted: with probability
 * max(0, (requests − K × accepts) / (requests + 1)) over the last seconds. What it protects then sees about
 * K times what it can take, rather than everything. To switch off what is broken altogether take a
 * CircuitBreaker.
 *
 * A call counts when it ends, so that slow ones do not look like failures; one refused here counts at
 * once. One call a second goes in whatever the share is, and once calls are accepted without a failure
 * between them the share falls to nothing over `rampMs`. No timer; O(1) a call, nothing allocated.
 * @see https://sre.google/sre-book/handling-overload/#eq2101
 */
export class AdaptiveThrottle implements GatePolicy<AdaptiveThrottleStats> {
  readonly name: string;
  readonly clock: Clock;
  #given: Changes;
  #options: ResolvedThrottleOptions;
  readonly #window: TimeWindow;
  /** When a call last went in, and since when calls are accepted without a failure: NaN while they are not. */
  readonly #times: Float64Array = Float64Array.of(-Infinity, Number.NaN);
  #chain: GateChain | undefined;
  #permitted = 0;
  #forced = 0;
  #succeeded = 0;
  #failed = 0;
  #ignored = 0;
  #notPermitted = 0;

  /** @throws InvalidOptionsError naming every option that is wrong. */
  constructor(options: AdaptiveThrottleOptions = {}) {
    this.#given = { ...options };
    this.#options = resolveThrottleOptions(options);
    this.name = this.#options.name;
    this.clock = this.#options.clock;
    this.#window = new TimeWindow(windowOf(this.#options));
  }

  /** Runs `task`, or rejects at once with ShedError. */
  execute<T>(task: Task<T>, options?: ExecuteOptions): Promise<T> {
    this.#chain ??= new GateChain(this.name, [this], this.clock);
    return this.#chain.execute(task, options);
  }

  /**
   * Changes options live. Calls that still lie in the window stay in it. `name` and `clock` stay what they
   * are. An option that is undefined goes back to its default.
   * @throws InvalidOptionsError and changes nothing when an option is wrong.
   */
  update(changes: Changes): void {
    const given = { ...this.#given, ...changes, name: this.name, clock: this.clock };
    const options = resolveThrottleOptions(given);
    this.#window.advanceTo(this.clock.nowMs());
    this.#window.resize(windowOf(options));
    this.#given = given;
    this.#options = options;
  }

  stats(): AdaptiveThrottleStats {
    const refusedShare = this.#shareAt(this.clock.nowMs());
    const { total, failures } = this.#window;
    return {
      refusedShare,
      windowCalls: total,
      windowAccepts: total - failures,
      permitted: this.#permitted,
      forced: this.#forced,
      succeeded: this.#succeeded,
      failed: this.#failed,
      ignored: this.#ignored,
      notPermitted: this.#notPermitted,
    };
  }

  get timed(): boolean {
    return true;
  }

  get classify(): Classify | undefined {
    return this.#options.classify;
  }

  get traits(): PolicyTraits {
    return { kind: 'throttle', windowMs: this.#options.windowMs };
  }

  /** The gate's entry: 0, or Infinity for a refusal, as by chance the very next call may go in. */
  enter(nowMs: number): number {
    const share = this.#shareAt(nowMs);
    if (share > 0 && this.#options.random.next() < share) {
      if (!this.#isForced(nowMs)) {
        this.#notPermitted++;
        this.#window.record(nowMs, true, false);
        return Infinity;
      }
      this.#forced++;
    }
    this.#permitted++;
    this.#times[LAST_PASS] = nowMs;
    return 0;
  }

  exit(_ticket: number, outcome: Outcome, nowMs: number): void {
    if (outcome === 'ignored') {
      this.#ignored++;
      return;
    }
    const failed = outcome === 'failure';
    if (failed) this.#failed++;
    else this.#succeeded++;
    this.#window.record(nowMs, failed, false);
    if (failed) this.#times[WORKING_SINCE] = Number.NaN;
    else if (Number.isNaN(this.#times[WORKING_SINCE])) this.#times[WORKING_SINCE] = nowMs;
  }

  refuse(waitMs: number): ShedError {
    const percent = Math.round(100 * this.#shareAt(this.clock.nowMs()));
    const message = `${this.name}: ${percent} % of the calls are refused here, as too few are accepted`;
    return new ShedError(this.name, message, waitMs);
  }

  #shareAt(nowMs: number): number {
    this.#window.advanceTo(nowMs);
    const { total, failures } = this.#window;
    const { k, minimumCalls, rampMs } = this.#options;
    if (failures === 0 || total < minimumCalls) return 0;
    const share = Math.max(0, (total - k * (total - failures)) / (total + 1));
    const workingMs = nowMs - this.#times[WORKING_SINCE]!;
    if (!(workingMs > 0) || rampMs === 0) return share;
    return share * Math.max(0, 1 - workingMs / rampMs);
  }

  /** Whether none has gone in for so long. A clock that steps back does not make it longer. */
  #isForced(nowMs: number): boolean {
    const lastMs = Math.min(this.#times[LAST_PASS]!, nowMs);
    this.#times[LAST_PASS] = lastMs;
    return nowMs - lastMs >= this.#options.forcedPassMs;
  }
}

function windowOf({ windowMs, buckets }: ResolvedThrottleOptions): {
  durationMs: number;
  buckets: number;
} {
  return { durationMs: windowMs, buckets };
}
