import type { CircuitState, Outcome, StateChange } from '../../src/index.ts';

export type ModelWindow =
  | { readonly type: 'count'; readonly size: number }
  | { readonly type: 'time'; readonly durationMs: number; readonly buckets: number };

/** Every option that matters to a decision, resolved. */
export interface ModelOptions {
  readonly consecutiveFailures: number | undefined;
  readonly failureRateThreshold: number;
  readonly minimumCalls: number;
  readonly slidingWindow: ModelWindow;
  readonly openMs: number;
  readonly maxOpenMs: number;
  readonly openJitter: number;
  readonly permittedCallsInHalfOpen: number;
  readonly requiredSuccesses: number;
  readonly maxHalfOpenMs: number;
}

/** A call that was let in. */
export interface ModelCall {
  readonly generation: number;
  outcome: Outcome | undefined;
}

interface Result {
  readonly atMs: number;
  readonly failed: boolean;
}

/**
 * A circuit breaker that remembers every call, and counts anew from the start whenever it is asked:
 * too slow to use, too plain to be wrong in the same way.
 */
export class ModelBreaker {
  state: CircuitState = 'closed';
  options: ModelOptions;
  readonly changes: StateChange[] = [];
  notPermitted = 0;
  #generation = 0;
  #results: Result[] = [];
  #probes: ModelCall[] = [];
  #untilMs = 0;
  #failedRecoveries = 0;
  #trailing = 0;
  readonly #draw: () => number;

  constructor(options: ModelOptions, draw: () => number) {
    this.options = options;
    this.#draw = draw;
  }

  /** The call, or the ms to wait. */
  enter(nowMs: number): ModelCall | number {
    this.settle(nowMs);
    const { permittedCallsInHalfOpen: permitted } = this.options;
    const call: ModelCall = { generation: this.#generation, outcome: undefined };
    if (this.state === 'closed') return call;
    const taken = this.#probes.filter(({ outcome }) => outcome !== 'ignored').length;
    if (this.state === 'half-open' && taken < permitted) {
      if (!this.#isProbing) this.#untilMs = nowMs + this.options.maxHalfOpenMs;
      this.#probes.push(call);
      return call;
    }
    this.notPermitted++;
    return this.state === 'open' ? this.#untilMs - nowMs : Infinity;
  }

  exit(call: ModelCall, outcome: Outcome, nowMs: number): void {
    if (this.state === 'half-open') this.settle(nowMs);
    if (call.generation !== this.#generation) return;
    call.outcome = outcome;
    if (this.state === 'closed' && outcome !== 'ignored') this.#judge(outcome, nowMs);
    if (this.state === 'half-open') this.#judgeProbes(nowMs);
  }

  /** What time alone has changed. */
  settle(nowMs: number): void {
    if (this.state === 'half-open' && this.#isProbing && nowMs >= this.#untilMs) {
      this.#failedRecoveries++;
      this.#move('open', 'half-open-timeout', nowMs);
    }
    if (this.state === 'open' && nowMs >= this.#untilMs) {
      this.#move('half-open', 'open-time-over', nowMs);
    }
  }

  reset(nowMs: number): void {
    this.#failedRecoveries = 0;
    this.#move('closed', 'reset', nowMs);
  }

  update(options: ModelOptions, nowMs: number): void {
    const [old, next] = [this.options.slidingWindow, options.slidingWindow];
    const bothCount = old.type === 'count' && next.type === 'count';
    if (bothCount) this.#results = this.#results.slice(-Math.min(old.size, next.size));
    else if (JSON.stringify(old) !== JSON.stringify(next)) this.#results = [];
    this.options = options;
    if (this.state === 'half-open') this.#judgeProbes(nowMs);
  }

  window(nowMs: number): { total: number; failures: number } {
    const { slidingWindow } = this.options;
    const counted = this.#results.filter(({ atMs }, i) => {
      if (slidingWindow.type === 'count') return i >= this.#results.length - slidingWindow.size;
      const bucketMs = slidingWindow.durationMs / slidingWindow.buckets;
      const age = Math.floor(nowMs / bucketMs) - Math.floor(atMs / bucketMs);
      return age < slidingWindow.buckets;
    });
    return { total: counted.length, failures: counted.filter(({ failed }) => failed).length };
  }

  get consecutiveFailures(): number {
    return this.#trailing;
  }

  get #isProbing(): boolean {
    return this.#probes.some(({ outcome }) => outcome === undefined);
  }

  #judge(outcome: Outcome, nowMs: number): void {
    const { consecutiveFailures, minimumCalls, failureRateThreshold } = this.options;
    this.#results.push({ atMs: nowMs, failed: outcome === 'failure' });
    this.#trailing = outcome === 'failure' ? this.#trailing + 1 : 0;
    const { total, failures } = this.window(nowMs);
    if (this.#trailing >= (consecutiveFailures ?? Infinity)) {
      this.#move('open', 'consecutive-failures', nowMs);
    } else if (total >= minimumCalls && failures >= failureRateThreshold * total) {
      this.#move('open', 'failure-rate', nowMs);
    }
  }

  #judgeProbes(nowMs: number): void {
    const { permittedCallsInHalfOpen, requiredSuccesses } = this.options;
    const ended = (outcome: Outcome): number =>
      this.#probes.filter((probe) => probe.outcome === outcome).length;
    if (ended('success') >= requiredSuccesses) {
      this.#failedRecoveries = 0;
      this.#move('closed', 'probes-succeeded', nowMs);
    } else if (ended('failure') + requiredSuccesses > permittedCallsInHalfOpen) {
      this.#failedRecoveries++;
      this.#move('open', 'probe-failed', nowMs);
    }
  }

  #move(to: CircuitState, reason: StateChange['reason'], atMs: number): void {
    const from = this.state;
    const { openMs, maxOpenMs, openJitter } = this.options;
    if (from !== to) this.changes.push({ from, to, reason, atMs });
    this.state = to;
    this.#generation++;
    this.#probes = [];
    if (to === 'open') {
      let fullMs = openMs;
      for (let i = 0; i < this.#failedRecoveries; i++) fullMs = Math.min(maxOpenMs, 2 * fullMs);
      this.#untilMs = atMs + fullMs * (1 - openJitter * this.#draw());
    }
    if (to !== 'closed') return;
    this.#results = [];
    this.#trailing = 0;
  }
}
