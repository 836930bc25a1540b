import type { CircuitState, Outcome, StateChange } from '../../src/index.ts';

export type ModelWindow =
  | { readonly type: 'count'; readonly size: number }
  | { readonly type: 'time'; readonly durationMs: number; readonly buckets: number };

/** Every option that matters to a decision, resolved. */
export interface ModelOptions {
  readonly consecutiveFailures: number | undefined;
  readonly failureRateThreshold: number;
  readonly slowCallRateThreshold?: number | undefined;
  readonly slowCallDurationMs: number | undefined;
  readonly confidence: number;
  readonly minimumCalls: number;
  readonly slidingWindow: ModelWindow;
  readonly openMs: number;
  readonly maxOpenMs: number;
  readonly openJitter: number;
  readonly permittedCallsInHalfOpen: number;
  readonly requiredSuccesses: number;
  readonly maxHalfOpenMs: number;
  readonly rampMs: number;
}

/** A call that was let in. */
export interface ModelCall {
  readonly generation: number;
  outcome: Outcome | undefined;
  slow: boolean;
}

/** How a call ended. */
export interface ModelEnd {
  readonly outcome: Outcome;
  readonly durationMs: number;
}

export type ModelOrder = 'closed' | 'forced-open' | 'disabled' | 'metrics-only';

interface Result {
  readonly atMs: number;
  readonly failed: boolean;
  readonly slow: boolean;
}

/** A stretch of time, which does not grow when the clock goes back. */
class Countdown {
  readonly #durationMs: number;
  #fromMs: number;

  constructor(fromMs: number, durationMs: number) {
    this.#fromMs = fromMs;
    this.#durationMs = durationMs;
  }

  leftMs(nowMs: number): number {
    this.#fromMs = Math.min(this.#fromMs, nowMs);
    return Math.max(0, this.#fromMs + this.#durationMs - nowMs);
  }
}

/**
 * A circuit breaker that remembers every call, and counts anew from the start whenever it is asked:
 * too slow to use, too plain to be wrong in the same way.
 */
export class ModelBreaker {
  state: CircuitState = 'closed';
  options: ModelOptions;
  readonly changes: StateChange[] = [];
  permitted = 0;
  notPermitted = 0;
  ended: Record<Outcome, number> = { success: 0, failure: 0, ignored: 0 };
  #generation = 0;
  #results: Result[] = [];
  /** The latest time that the window has seen. */
  #seenMs = -Infinity;
  #probes: ModelCall[] = [];
  #openTime = new Countdown(0, 0);
  readonly #patience = new Map<ModelCall, Countdown>();
  #ramp: Countdown | undefined;
  #rampAsked = 0;
  #rampHalfMs = 0;
  #failedRecoveries = 0;
  #trailing = 0;
  #holds = 0;
  #after: ModelOrder = 'closed';
  readonly #draw: () => number;

  constructor(options: ModelOptions, draw: () => number) {
    this.options = options;
    this.#draw = draw;
  }

  /** The call, or the ms to wait. */
  enter(nowMs: number): ModelCall | number {
    this.settle(nowMs);
    const waitMs = this.#waitMs(nowMs);
    if (waitMs > 0) {
      this.notPermitted++;
      return waitMs;
    }
    this.permitted++;
    const call = { generation: this.#generation, outcome: undefined, slow: false };
    if (this.state === 'half-open') {
      this.#patience.set(call, new Countdown(nowMs, this.options.maxHalfOpenMs));
      this.#probes.push(call);
    }
    return call;
  }

  exit(call: ModelCall, { outcome, durationMs }: ModelEnd, nowMs: number): void {
    this.ended[outcome]++;
    if (this.state === 'half-open') this.settle(nowMs);
    if (call.generation !== this.#generation) return;
    call.outcome = outcome;
    call.slow = durationMs > (this.options.slowCallDurationMs ?? Infinity);
    const counts = this.state === 'closed' || this.state === 'metrics-only';
    if (counts && outcome !== 'ignored') this.#judge(outcome, call.slow, nowMs);
    if (this.state === 'half-open') this.#judgeProbes(nowMs);
  }

  /** Probes that nobody has heard of yet. */
  get probesUnderWay(): number {
    return this.#probes.filter(({ outcome }) => outcome === undefined).length;
  }

  /** What time alone has changed. */
  settle(nowMs: number): void {
    const underWay = this.#probes.filter(({ outcome }) => outcome === undefined);
    const left = underWay.map((call) => this.#patience.get(call)?.leftMs(nowMs) ?? Infinity);
    if (this.state === 'half-open' && Math.min(...left) === 0) {
      this.#failedRecoveries++;
      this.#move('open', 'half-open-timeout', nowMs);
    }
    if (this.state === 'open' && this.#openTime.leftMs(nowMs) === 0) {
      this.#move('half-open', 'open-time-over', nowMs);
    }
    if (this.#ramp?.leftMs(nowMs) === 0) this.#endRamp();
  }

  reset(nowMs: number): void {
    this.#failedRecoveries = 0;
    if (this.#holds > 0) this.#after = 'closed';
    else this.#move('closed', 'reset', nowMs);
  }

  order(state: ModelOrder, nowMs: number): void {
    this.#failedRecoveries = 0;
    if (this.#holds > 0) this.#after = state;
    else if (this.state !== state) this.#move(state, 'manual', nowMs);
    if (state === 'closed') this.#endRamp();
  }

  hold(nowMs: number): void {
    this.#holds++;
    if (this.#holds > 1) return;
    this.#after = this.state === 'open' || this.state === 'half-open' ? 'closed' : this.state;
    if (this.state !== 'forced-open') this.#move('forced-open', 'isolated', nowMs);
  }

  release(nowMs: number): void {
    this.#holds--;
    if (this.#holds > 0 || this.#after === 'forced-open') return;
    if (this.#after === 'closed') this.#recover('released', nowMs);
    else this.#move(this.#after, 'released', nowMs);
  }

  update(options: ModelOptions, nowMs: number): void {
    this.settle(nowMs);
    const [old, next] = [this.options.slidingWindow, options.slidingWindow];
    if (old.type === 'count' && next.type === 'count') {
      this.#results = this.#results.slice(-Math.min(old.size, next.size));
    } else if (old.type === 'time' && next.type === 'time') {
      this.#results = this.window(nowMs).results;
      if (JSON.stringify(old) !== JSON.stringify(next)) this.#moveToBucketStarts(old);
    } else {
      this.#results = [];
      this.#seenMs = -Infinity;
    }
    this.options = options;
    if (options.rampMs === 0) this.#endRamp();
    if (this.state === 'half-open') this.#judgeProbes(nowMs);
  }

  /** What the window holds when it is looked at. */
  window(nowMs: number): { results: Result[]; total: number; failures: number; slow: number } {
    this.#seenMs = Math.max(this.#seenMs, nowMs);
    const { slidingWindow } = this.options;
    const results = this.#results.filter(({ atMs }, i) => {
      if (slidingWindow.type === 'count') return i >= this.#results.length - slidingWindow.size;
      const bucketMs = slidingWindow.durationMs / slidingWindow.buckets;
      const age = Math.floor(this.#seenMs / bucketMs) - Math.floor(atMs / bucketMs);
      return age < slidingWindow.buckets;
    });
    return {
      results,
      total: results.length,
      failures: results.filter(({ failed }) => failed).length,
      slow: results.filter(({ slow }) => slow).length,
    };
  }

  get consecutiveFailures(): number {
    return this.#trailing;
  }

  #waitMs(nowMs: number): number {
    if (this.state === 'open') return this.#openTime.leftMs(nowMs);
    if (this.state === 'forced-open') return Infinity;
    if (this.state === 'half-open') {
      const taken = this.#probes.filter(({ outcome }) => outcome !== 'ignored').length;
      return taken < this.options.permittedCallsInHalfOpen ? 0 : Infinity;
    }
    if (this.#ramp === undefined) return 0;
    const leftMs = this.#ramp.leftMs(nowMs);
    const turn = this.#rampAsked++ % (leftMs > this.#rampHalfMs ? 4 : 2);
    return turn === 0 ? 0 : leftMs;
  }

  #judge(outcome: Outcome, slow: boolean, nowMs: number): void {
    const { consecutiveFailures, minimumCalls, failureRateThreshold } = this.options;
    this.#seenMs = Math.max(this.#seenMs, nowMs);
    this.#results.push({ atMs: this.#seenMs, failed: outcome === 'failure', slow });
    this.#trailing = outcome === 'failure' ? this.#trailing + 1 : 0;
    if (this.state === 'metrics-only') return;
    const window = this.window(nowMs);
    const { slowCallRateThreshold = 1, slowCallDurationMs } = this.options;
    if (this.#trailing >= (consecutiveFailures ?? Infinity)) {
      this.#trip('consecutive-failures', nowMs);
    } else if (window.total >= minimumCalls) {
      if (this.#isReached(window.failures, window.total, failureRateThreshold)) {
        this.#trip('failure-rate', nowMs);
      } else if (
        slowCallDurationMs !== undefined &&
        this.#isReached(window.slow, window.total, slowCallRateThreshold)
      ) {
        this.#trip('slow-call-rate', nowMs);
      }
    }
  }

  /** The interval as the textbooks have it; but a threshold of 1 is reached by all of the calls. */
  #isReached(count: number, n: number, threshold: number): boolean {
    const z = this.options.confidence;
    const p = count / n;
    if (z === 0 || threshold === 1) return p >= threshold;
    const middle = p + z ** 2 / (2 * n);
    const spread = z * Math.sqrt((p * (1 - p)) / n + z ** 2 / (4 * n ** 2));
    return (middle - spread) / (1 + z ** 2 / n) >= threshold;
  }

  #trip(reason: StateChange['reason'], nowMs: number): void {
    this.settle(nowMs);
    if (this.#ramp) this.#failedRecoveries++;
    this.#move('open', reason, nowMs);
  }

  #judgeProbes(nowMs: number): void {
    const { permittedCallsInHalfOpen, requiredSuccesses, slowCallRateThreshold = 1 } = this.options;
    const wins = this.#probes.filter(({ outcome }) => outcome === 'success');
    const losses = this.#probes.filter(({ outcome }) => outcome === 'failure');
    const slow = [...wins, ...losses].filter((probe) => probe.slow).length;
    if (losses.length + requiredSuccesses > permittedCallsInHalfOpen) {
      this.#failedRecoveries++;
      this.#move('open', 'probe-failed', nowMs);
    } else if (wins.length >= requiredSuccesses) {
      if (slow > 0 && slow / (wins.length + losses.length) >= slowCallRateThreshold) {
        this.#failedRecoveries++;
        this.#move('open', 'probes-slow', nowMs);
      } else this.#recover('probes-succeeded', nowMs);
    }
  }

  #recover(reason: StateChange['reason'], nowMs: number): void {
    const { rampMs } = this.options;
    if (rampMs === 0) this.#failedRecoveries = 0;
    this.#move('closed', reason, nowMs);
    if (rampMs === 0) return;
    this.#ramp = new Countdown(nowMs, rampMs);
    this.#rampHalfMs = rampMs / 2;
    this.#rampAsked = 0;
  }

  #endRamp(): void {
    if (this.#ramp) this.#failedRecoveries = 0;
    this.#ramp = undefined;
  }

  #moveToBucketStarts({ durationMs, buckets }: Extract<ModelWindow, { type: 'time' }>): void {
    const bucketMs = durationMs / buckets;
    const start = (ms: number): number => Math.floor(ms / bucketMs) * bucketMs;
    this.#results = this.#results.map((result) => ({ ...result, atMs: start(result.atMs) }));
    this.#seenMs = start(this.#seenMs);
  }

  #move(to: CircuitState, reason: StateChange['reason'], atMs: number): void {
    const from = this.state;
    const { openMs, maxOpenMs, openJitter } = this.options;
    if (from !== to) this.changes.push({ from, to, reason, atMs });
    this.state = to;
    this.#generation++;
    this.#probes = [];
    this.#ramp = undefined;
    if (to === 'open') {
      let fullMs = openMs;
      for (let i = 0; i < this.#failedRecoveries; i++) fullMs = Math.min(maxOpenMs, 2 * fullMs);
      this.#openTime = new Countdown(atMs, fullMs * (1 - openJitter * this.#draw()));
    }
    const asNew =
      to === 'closed' || to === 'disabled' || (to === 'metrics-only' && from !== 'closed');
    if (!asNew) return;
    this.#results = [];
    this.#seenMs = -Infinity;
    this.#trailing = 0;
  }
}
