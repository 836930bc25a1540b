import { CountWindow, TimeWindow, type OutcomeWindow } from '../collections/index.ts';
import {
  CircuitOpenError,
  Emitter,
  GateChain,
  type Classify,
  type Clock,
  type ExecuteOptions,
  type GatePolicy,
  type Listener,
  type Outcome,
  type Task,
} from '../core/index.ts';
import {
  resolveBreakerOptions,
  type CircuitBreakerOptions,
  type ResolvedBreakerOptions,
  type SlidingWindowOptions,
} from './options.ts';

export type CircuitState = 'closed' | 'open' | 'half-open';

/** Why a breaker changed its state. */
export type StateChangeReason =
  | 'consecutive-failures'
  | 'failure-rate'
  | 'open-time-over'
  | 'probes-succeeded'
  | 'probe-failed'
  | 'half-open-timeout'
  | 'reset';

export interface StateChange {
  readonly from: CircuitState;
  readonly to: CircuitState;
  readonly reason: StateChangeReason;
  /** On the breaker's clock. */
  readonly atMs: number;
}

export interface CircuitBreakerEvents {
  stateChange: StateChange;
}

export interface CircuitBreakerStats {
  readonly state: CircuitState;
  /** Share of failures in the window, 0 to 1; 0 while the window is empty. */
  readonly failureRate: number;
  readonly windowCalls: number;
  readonly windowFailures: number;
  readonly consecutiveFailures: number;
  /** Until the next probe may go in, in ms; 0 unless open. */
  readonly retryAfterMs: number;
  /** Since the start. */
  readonly succeeded: number;
  readonly failed: number;
  readonly ignored: number;
  readonly notPermitted: number;
}

/**
 * Stops calling what keeps failing, and finds out by a few probes when it is well again.
 *
 * Closed, it counts; it opens after `consecutiveFailures`, or when the failure rate over the sliding
 * window reaches its threshold. Open, it refuses at once. When the open time is over the next calls are
 * probes: at most `permittedCallsInHalfOpen`, at once and in all. They close it, or open it again for
 * longer. Calls run side by side; a result that comes in after the state has changed counts no more.
 *
 * No timer: that the open time is over is found when someone asks. O(1) a call. To degrade in
 * proportion rather than to switch, shed load by a limiter instead.
 * @see https://martinfowler.com/bliki/CircuitBreaker.html
 * @see https://resilience4j.readme.io/docs/circuitbreaker
 */
export class CircuitBreaker implements GatePolicy<CircuitBreakerStats> {
  readonly name: string;
  readonly clock: Clock;
  #given: CircuitBreakerOptions;
  #options: ResolvedBreakerOptions;
  #window: OutcomeWindow;
  readonly #events = new Emitter<CircuitBreakerEvents>();
  #chain: GateChain | undefined;

  #state: CircuitState = 'closed';
  /** Grows with every change of state; a call's ticket is its negative. */
  #generation = 0;
  #consecutiveFailures = 0;
  /** Recoveries that failed in a row. */
  #relapses = 0;
  /** When the open time, or the patience with the probes under way, is over. */
  #untilMs = 0;
  #probes = 0;
  #probeSuccesses = 0;
  #probeFailures = 0;

  #succeeded = 0;
  #failed = 0;
  #ignored = 0;
  #notPermitted = 0;

  /** @throws InvalidOptionsError naming every option that is wrong. */
  constructor(options: CircuitBreakerOptions = {}) {
    this.#options = resolveBreakerOptions(options);
    this.#given = { ...options, slidingWindow: this.#options.slidingWindow };
    this.#window = windowFor(this.#options.slidingWindow);
    this.name = this.#options.name;
    this.clock = this.#options.clock;
  }

  /** Runs `task` unless the breaker is open; then rejects at once with CircuitOpenError. */
  execute<T>(task: Task<T>, options?: ExecuteOptions): Promise<T> {
    this.#chain ??= new GateChain(this.name, [this], this.clock);
    return this.#chain.execute(task, options);
  }

  /** The state as of now. */
  get state(): CircuitState {
    if (this.#state !== 'closed') this.#advanceTo(this.clock.nowMs());
    return this.#state;
  }

  /** Closes it and forgets everything counted for a decision. */
  reset(): void {
    this.#relapses = 0;
    this.#moveTo('closed', 'reset', this.clock.nowMs());
  }

  /**
   * Changes options live. The state stays, and so does the window when it still means the same: a time
   * window of the same shape, or a count window of any size. `name` and `clock` stay what they are.
   * An option that is undefined goes back to its default.
   * @throws InvalidOptionsError and changes nothing when an option is wrong.
   */
  update(changes: Partial<Omit<CircuitBreakerOptions, 'name' | 'clock'>>): void {
    const given = { ...this.#given, ...changes, name: this.name, clock: this.clock };
    const options = resolveBreakerOptions(given);
    this.#window = windowAfter(this.#window, this.#options.slidingWindow, options.slidingWindow);
    this.#given = { ...given, slidingWindow: options.slidingWindow };
    this.#options = options;
    if (this.#state === 'half-open') this.#decideRecovery(this.clock.nowMs());
  }

  on<K extends keyof CircuitBreakerEvents>(
    event: K,
    listener: Listener<CircuitBreakerEvents[K]>,
  ): () => void {
    return this.#events.on(event, listener);
  }

  stats(): CircuitBreakerStats {
    const nowMs = this.clock.nowMs();
    this.#advanceTo(nowMs);
    this.#window.advanceTo(nowMs);
    const { total, failures } = this.#window;
    return {
      state: this.#state,
      failureRate: total === 0 ? 0 : failures / total,
      windowCalls: total,
      windowFailures: failures,
      consecutiveFailures: this.#consecutiveFailures,
      retryAfterMs: this.#state === 'open' ? this.#openForMs(nowMs) : 0,
      succeeded: this.#succeeded,
      failed: this.#failed,
      ignored: this.#ignored,
      notPermitted: this.#notPermitted,
    };
  }

  /** A closed breaker whose window counts calls has no use for the time. */
  get timed(): boolean {
    return this.#state !== 'closed' || this.#options.slidingWindow.type === 'time';
  }

  get classify(): Classify | undefined {
    return this.#options.classify;
  }

  /** The gate's entry: the ticket, or the ms until the next probe may go in (Infinity while probes are under way). */
  enter(nowMs: number): number {
    if (this.#state === 'closed') return 0 - this.#generation;
    const waitMs = this.peek(nowMs);
    if (waitMs > 0) {
      this.#notPermitted++;
      return waitMs;
    }
    if (this.#probesUnderWay === 0) this.#untilMs = nowMs + this.#options.maxHalfOpenMs;
    this.#probes++;
    return 0 - this.#generation;
  }

  peek(nowMs: number): number {
    if (this.#state === 'closed') return 0;
    this.#advanceTo(nowMs);
    if (this.#state === 'open') return this.#openForMs(nowMs);
    return this.#probes < this.#options.permittedCallsInHalfOpen ? 0 : Infinity;
  }

  exit(ticket: number, outcome: Outcome, nowMs: number): void {
    this.#count(outcome);
    if (this.#state === 'half-open') this.#advanceTo(nowMs);
    if (0 - ticket !== this.#generation) return;
    if (this.#state === 'closed') this.#settleCall(outcome, nowMs);
    else if (this.#state === 'half-open') this.#settleProbe(outcome, nowMs);
  }

  refuse(waitMs: number): CircuitOpenError {
    const why =
      waitMs === Infinity ? 'its probes are under way' : 'what it protects has been failing';
    const message = `${this.name}: the circuit is ${this.#state}, ${why}`;
    return new CircuitOpenError(this.name, message, waitMs);
  }

  #count(outcome: Outcome): void {
    if (outcome === 'success') this.#succeeded++;
    else if (outcome === 'failure') this.#failed++;
    else this.#ignored++;
  }

  #settleCall(outcome: Outcome, nowMs: number): void {
    if (outcome === 'ignored') return;
    const failed = outcome === 'failure';
    this.#consecutiveFailures = failed ? this.#consecutiveFailures + 1 : 0;
    this.#window.record(nowMs, failed, false);
    const reason = this.#reasonToOpen();
    if (reason) this.#moveTo('open', reason, this.#timeOf(nowMs));
  }

  #reasonToOpen(): StateChangeReason | undefined {
    const { consecutiveFailures, failureRateThreshold, minimumCalls } = this.#options;
    if (consecutiveFailures !== undefined && this.#consecutiveFailures >= consecutiveFailures) {
      return 'consecutive-failures';
    }
    const { total, failures } = this.#window;
    const tooMany = total >= minimumCalls && failures / total >= failureRateThreshold;
    return tooMany ? 'failure-rate' : undefined;
  }

  #settleProbe(outcome: Outcome, nowMs: number): void {
    if (outcome === 'ignored') this.#probes--;
    if (outcome === 'success') this.#probeSuccesses++;
    if (outcome === 'failure') this.#probeFailures++;
    this.#decideRecovery(nowMs);
  }

  #decideRecovery(nowMs: number): void {
    const { permittedCallsInHalfOpen, requiredSuccesses } = this.#options;
    if (this.#probeSuccesses >= requiredSuccesses) {
      this.#relapses = 0;
      this.#moveTo('closed', 'probes-succeeded', nowMs);
    } else if (this.#probeFailures > permittedCallsInHalfOpen - requiredSuccesses) {
      this.#relapse('probe-failed', nowMs);
    }
  }

  get #probesUnderWay(): number {
    return this.#probes - this.#probeSuccesses - this.#probeFailures;
  }

  /** Finds what time alone has changed. */
  #advanceTo(nowMs: number): void {
    if (this.#state === 'half-open' && this.#probesUnderWay > 0 && nowMs >= this.#untilMs) {
      this.#relapse('half-open-timeout', nowMs);
    }
    if (this.#state === 'open' && nowMs >= this.#untilMs) {
      this.#moveTo('half-open', 'open-time-over', nowMs);
    }
  }

  /** Rounded up, so that a call that comes back after exactly this time finds it half-open. */
  #openForMs(nowMs: number): number {
    const waitMs = this.#untilMs - nowMs;
    return nowMs + waitMs < this.#untilMs ? waitMs * (1 + Number.EPSILON) : waitMs;
  }

  #relapse(reason: StateChangeReason, nowMs: number): void {
    this.#relapses++;
    this.#moveTo('open', reason, nowMs);
  }

  #moveTo(to: CircuitState, reason: StateChangeReason, atMs: number): void {
    const from = this.#state;
    this.#state = to;
    this.#generation++;
    this.#probes = 0;
    this.#probeSuccesses = 0;
    this.#probeFailures = 0;
    if (to === 'open') this.#untilMs = atMs + this.#openTimeMs();
    if (to === 'closed') {
      this.#consecutiveFailures = 0;
      this.#window.clear();
    }
    if (from !== to) this.#events.emit('stateChange', { from, to, reason, atMs });
  }

  #openTimeMs(): number {
    const { openMs, maxOpenMs, openJitter, random } = this.#options;
    const fullMs = Math.min(maxOpenMs, openMs * 2 ** this.#relapses);
    return fullMs * (1 - openJitter * random.next());
  }

  /** A success that opens the breaker (the last of `minimumCalls`) may come without a time. */
  #timeOf(nowMs: number): number {
    return Number.isNaN(nowMs) ? this.clock.nowMs() : nowMs;
  }
}

function windowFor(options: SlidingWindowOptions): OutcomeWindow {
  if (options.type === 'count') return new CountWindow(options.size);
  return new TimeWindow({ durationMs: options.durationMs, buckets: options.buckets ?? 10 });
}

function windowAfter(
  window: OutcomeWindow,
  old: SlidingWindowOptions,
  next: SlidingWindowOptions,
): OutcomeWindow {
  if (next.type === 'count' && window instanceof CountWindow) {
    window.resize(next.size);
    return window;
  }
  const same =
    old.type === 'time' &&
    next.type === 'time' &&
    old.durationMs === next.durationMs &&
    (old.buckets ?? 10) === (next.buckets ?? 10);
  return same ? window : windowFor(next);
}
