import {
  CircuitOpenError,
  GateChain,
  type Classify,
  type Clock,
  type ExecuteOptions,
  type GatePolicy,
  type Listener,
  type Outcome,
  type PolicyTraits,
  type Task,
} from '../core/index.ts';
import { Audience } from './audience.ts';
import { Circuit } from './circuit.ts';
import { Isolation, type IsolationRelease, type StandingState } from './isolation.ts';
import { resolveBreakerOptions, type CircuitBreakerOptions } from './options.ts';
import { PermitDesk, type Permit } from './permit.ts';
import { rulesFor } from './rules.ts';
import { checkedSnapshot, type CircuitBreakerSnapshot } from './snapshot.ts';
import type { CircuitBreakerEvents, CircuitBreakerStats, CircuitState } from './states.ts';

/** What an update may change. */
type Changes = Partial<Omit<CircuitBreakerOptions, 'name' | 'clock'>>;

const REFUSALS: Readonly<Record<CircuitState, string>> = {
  closed: 'and traffic comes back by and by',
  open: 'what it protects has been failing',
  'half-open': 'its probes are under way',
  'forced-open': 'somebody has forced it to be',
  disabled: 'and was not when the call came',
  'metrics-only': 'and was not when the call came',
};

/**
 * Stops calling what keeps failing, and finds out by a few probes when it is well again.
 *
 * Closed, it counts; it opens after `consecutiveFailures`, or when the share of failed or of slow calls
 * in the sliding window reaches its threshold. Open, it refuses at once. When the open time is over the
 * next calls are probes: at most `permittedCallsInHalfOpen`, at once and in all. They close it, or open
 * it again for longer. Calls run side by side; a result that comes in after the state has changed counts
 * no more. By hand it can be isolated, forced open, closed, disabled, or set to metrics only.
 *
 * No timer, unless it is `eager`: that the open time is over is found when someone asks. O(1) a call. To
 * degrade in proportion rather than to switch, take an AdaptiveThrottle.
 * @see https://martinfowler.com/bliki/CircuitBreaker.html
 * @see https://resilience4j.readme.io/docs/circuitbreaker
 */
export class CircuitBreaker implements GatePolicy<CircuitBreakerStats> {
  readonly name: string;
  readonly #circuit: Circuit;
  /** The options as they were given, without name and clock: defaults may depend on each other. */
  #given: Changes;
  #chain: GateChain | undefined;
  #audience: Audience | undefined;
  #isolation: Isolation | undefined;
  #desk: PermitDesk | undefined;

  /** @throws InvalidOptionsError naming every option that is wrong. */
  constructor(options: CircuitBreakerOptions = {}) {
    const resolved = resolveBreakerOptions(options);
    this.name = resolved.name;
    this.#given = ownCopy(options);
    this.#circuit = new Circuit(rulesFor(resolved), resolved.clock);
  }

  get clock(): Clock {
    return this.#circuit.clock;
  }

  /** Runs `task` unless the breaker is open; then rejects at once with CircuitOpenError. */
  execute<T>(task: Task<T>, options?: ExecuteOptions): Promise<T> {
    this.#chain ??= new GateChain(this.name, [this], this.clock);
    return this.#chain.execute(task, options);
  }

  /**
   * Lets in work that is no function call; undefined: refused. A permit that is dropped unsettled gives
   * its place back when the garbage collector finds it, and is counted as `lost`.
   */
  tryAcquire(): Permit | undefined {
    const nowMs = this.clock.nowMs();
    const ticket = this.enter(nowMs);
    if (ticket > 0) return undefined;
    this.#desk ??= new PermitDesk(this, (lost) => this.#circuit.giveUp(lost, this.clock.nowMs()));
    return this.#desk.issue(ticket, nowMs);
  }

  /** The state as of now. */
  get state(): CircuitState {
    const { state } = this.#circuit;
    if (state === 'open' || state === 'half-open') this.#circuit.advanceTo(this.clock.nowMs());
    return this.#circuit.state;
  }

  /** Refuses all calls, until it is closed, reset, disabled or set to metrics only. */
  forceOpen(): void {
    this.#order('forced-open');
  }

  /** Closes it, with a window as new and for all calls at once. One that is closed keeps its window. */
  close(): void {
    this.#order('closed');
    this.#circuit.endRamp();
  }

  /** The same as `close`, by the name that goes with `forceOpen`. */
  forceClosed(): void {
    this.close();
  }

  /** Lets all calls in and judges none, until it is given another order. */
  disable(): void {
    this.#order('disabled');
  }

  /** Lets all calls in and counts them, and never opens, until it is given another order. */
  metricsOnly(): void {
    this.#order('metrics-only');
  }

  /**
   * Refuses all calls while anybody holds it so. When the last hold is released the breaker closes, by
   * its ramp if it has one; or is again what it had been ordered to be before, or was meanwhile.
   */
  isolate(): IsolationRelease {
    const nowMs = this.clock.nowMs();
    const isNew = this.#isolation === undefined;
    this.#isolation ??= new Isolation(this.#circuit.state);
    // First, as a listener may hold and release it, too.
    const release = this.#isolation.hold(() => this.#endIsolation());
    if (isNew && this.#circuit.state !== 'forced-open') {
      this.#circuit.moveTo('forced-open', 'isolated', nowMs);
    }
    return release;
  }

  /** Closes it and forgets everything counted for a decision. While it is isolated: when it is released. */
  reset(): void {
    this.#circuit.forgetRelapses();
    if (this.#isolation) this.#isolation.after = 'closed';
    else this.#circuit.moveTo('closed', 'reset', this.clock.nowMs());
  }

  /** Lets go of the timer that an eager breaker may have; it is as if it had never been eager. */
  stop(): void {
    this.update({ eager: false });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
  }

  /**
   * Changes options live. The state stays, and so does the window if it stays of its type: a count window
   * keeps the newest calls that it has room for, a time window those that still lie in it. An open time
   * or a ramp that has begun ends as it began. `name` and `clock` stay what they are. An option that is
   * undefined goes back to its default.
   * @throws InvalidOptionsError and changes nothing when an option is wrong.
   */
  update(changes: Changes): void {
    const given = ownCopy({ ...this.#given, ...changes });
    const rules = rulesFor(resolveBreakerOptions(given));
    this.#given = given;
    this.#circuit.update(rules, this.clock.nowMs());
    this.#setAlarm();
  }

  on<K extends keyof CircuitBreakerEvents>(
    event: K,
    listener: Listener<CircuitBreakerEvents[K]>,
  ): () => void {
    const { events } = (this.#audience ??= new Audience());
    const remove = events.on(event, listener);
    this.#circuit.onChange ??= (change) => {
      this.#setAlarm();
      events.emit('stateChange', change);
    };
    this.#setAlarm();
    return () => {
      remove();
      this.#setAlarm();
    };
  }

  stats(): CircuitBreakerStats {
    return { ...this.#circuit.stats(this.clock.nowMs()), lost: this.#desk?.lost ?? 0 };
  }

  /**
   * What a breaker needs to go on where this one is, in another process or after a restart. Not in it: the
   * counts since the start, probes under way, and holds of those who isolate it.
   */
  toJSON(): CircuitBreakerSnapshot {
    const nowMs = this.clock.nowMs();
    const stats = this.#circuit.stats(nowMs);
    // When it is released it begins anew.
    if (this.#isolation) return { ...NEW, state: this.#isolation.after };
    const { windowCalls, windowFailures, windowSlowCalls, consecutiveFailures } = stats;
    return {
      version: 1,
      state: stats.state,
      consecutiveFailures,
      relapses: this.#circuit.relapses,
      openForMs: stats.retryAfterMs,
      rampForMs: this.#circuit.rampForMs(nowMs),
      windowCalls,
      windowFailures,
      windowSlowCalls,
    };
  }

  /**
   * Goes on where the breaker of the snapshot was, under its own options and whatever time has passed
   * since: what was left of the open time is left now, and the calls of the window count as made now.
   * Isolated, it stays so, and of the snapshot only a state that was ordered counts, when it is released.
   * @throws InvalidOptionsError and changes nothing when the snapshot is not a whole one of this version.
   */
  restore(snapshot: CircuitBreakerSnapshot): void {
    const checked = checkedSnapshot(snapshot);
    if (this.#isolation) this.#isolation.after = new Isolation(checked.state).after;
    else this.#circuit.restore(checked, this.clock.nowMs());
    this.#setAlarm();
  }

  /** While all calls go in, it does not matter when, unless some are slow. */
  get timed(): boolean {
    return this.#circuit.timed;
  }

  /** Nor does it to a window that counts calls. */
  get timedExit(): boolean {
    return this.#circuit.timedExit;
  }

  get classify(): Classify | undefined {
    return this.#circuit.rules.options.classify;
  }

  get traits(): PolicyTraits {
    const { slidingWindow } = this.#circuit.rules.options;
    const windowMs = slidingWindow.type === 'time' ? slidingWindow.durationMs : undefined;
    return { kind: 'circuit-breaker', windowMs };
  }

  /**
   * The gate's entry: the ticket, or the ms until a call may go in: a probe, or any call when the ramp is
   * over; Infinity while the probes are under way, and while it is forced open.
   */
  enter(nowMs: number): number {
    return this.#circuit.enter(nowMs);
  }

  /** A probe whose caller gave it up is ignored, but keeps its place while it runs. */
  overdue(ticket: number, _nowMs: number, outcome: Outcome): number {
    return this.#circuit.overdue(ticket, outcome);
  }

  peek(nowMs: number): number {
    return this.#circuit.peek(nowMs);
  }

  exit(ticket: number, outcome: Outcome, nowMs: number, durationMs: number = Number.NaN): void {
    this.#circuit.exit(ticket, outcome, nowMs, durationMs);
  }

  refuse(waitMs: number): CircuitOpenError {
    const { state } = this.#circuit;
    const message = `${this.name}: the circuit is ${state}, ${REFUSALS[state]}`;
    return new CircuitOpenError(this.name, message, waitMs);
  }

  #order(state: StandingState): void {
    this.#circuit.forgetRelapses();
    if (this.#isolation) this.#isolation.after = state;
    else if (this.#circuit.state !== state) {
      this.#circuit.moveTo(state, 'manual', this.clock.nowMs());
    }
  }

  #endIsolation(): void {
    const after = this.#isolation?.after ?? 'closed';
    this.#isolation = undefined;
    if (after === 'closed') this.#circuit.closeByRamp('released', this.clock.nowMs());
    else if (after !== 'forced-open') this.#circuit.moveTo(after, 'released', this.clock.nowMs());
  }

  /** An open time ends on time when that is asked for and somebody is there to be told. */
  #setAlarm(): void {
    if (this.#audience === undefined) return;
    const { eager } = this.#circuit.rules.options;
    const isAwaited = eager && this.#audience.events.listens('stateChange');
    const nowMs = this.clock.nowMs();
    const delayMs =
      isAwaited && this.#circuit.state === 'open' ? this.#circuit.openForMs(nowMs) : Infinity;
    this.#audience.setAlarm(this.clock, delayMs, () => {
      this.#circuit.advanceTo(this.clock.nowMs());
      this.#setAlarm();
    });
  }
}

/** What a breaker that begins anew has counted. */
const NEW: Omit<CircuitBreakerSnapshot, 'state'> = Object.freeze({
  version: 1,
  consecutiveFailures: 0,
  relapses: 0,
  openForMs: 0,
  rampForMs: 0,
  windowCalls: 0,
  windowFailures: 0,
  windowSlowCalls: 0,
});

const NOTHING: Changes = Object.freeze({});

/** The options but name and clock, such that nobody else can change them. */
function ownCopy(options: CircuitBreakerOptions): Changes {
  const { slidingWindow, openMs } = options;
  if (Object.keys(options).every((key) => key === 'name' || key === 'clock')) return NOTHING;
  const copy: CircuitBreakerOptions = {
    ...options,
    ...(slidingWindow && { slidingWindow: { ...slidingWindow } }),
    ...(typeof openMs === 'object' && { openMs: { ...openMs } }),
  };
  return Object.assign(copy, { name: undefined, clock: undefined });
}
