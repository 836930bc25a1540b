import type { OutcomeWindow } from '../collections/index.ts';
import type { Clock, Outcome } from '../core/index.ts';
import { OpenTime } from './open-time.ts';
import { givenUp, isGivenUp, Probes } from './probes.ts';
import { Ramp } from './ramp.ts';
import type { BreakerRules } from './rules.ts';
import type { CircuitBreakerSnapshot } from './snapshot.ts';
import type {
  CircuitBreakerStats,
  CircuitState,
  StateChange,
  StateChangeReason,
} from './states.ts';
import { refill, windowAfter, windowFor } from './windows.ts';

/** Counts since the start that the circuit does not keep itself. */
type OwnStats = Omit<CircuitBreakerStats, 'lost'>;

/** The state machine of a breaker: what lets calls in, hears what became of them, and changes its state. */
export class Circuit {
  /** Told of each change of state, when all is done. */
  onChange: ((change: StateChange) => void) | undefined;
  readonly clock: Clock;
  #rules: BreakerRules;
  #window: OutcomeWindow;
  #state: CircuitState = 'closed';
  /** Whether every call goes in, so that there is nothing to ask. */
  #letsAllIn = true;
  /** Grows with every change of state; a call's ticket is its negative. */
  #generation = 0;
  #consecutiveFailures = 0;
  // What belongs to one state is made when it begins: most breakers never open.
  #openTime: OpenTime | undefined;
  #probes: Probes | undefined;
  #ramp: Ramp | undefined;

  #permitted = 0;
  #succeeded = 0;
  #failed = 0;
  #ignored = 0;
  #notPermitted = 0;

  constructor(rules: BreakerRules, clock: Clock) {
    this.#rules = rules;
    this.clock = clock;
    this.#window = windowFor(rules.options.slidingWindow);
  }

  get timed(): boolean {
    return !this.#letsAllIn || this.#rules.judgesDuration;
  }

  get timedExit(): boolean {
    return !this.#letsAllIn || this.#rules.timed;
  }

  get rules(): BreakerRules {
    return this.#rules;
  }

  /** As it was last found. */
  get state(): CircuitState {
    return this.#state;
  }

  enter(nowMs: number): number {
    if (!this.#letsAllIn) {
      const waitMs = this.#ask(nowMs, true);
      if (waitMs > 0) {
        this.#notPermitted++;
        return waitMs;
      }
      this.#permitted++;
      // Below 0 it is the number of the probe, as a fraction.
      return waitMs - this.#generation;
    }
    this.#permitted++;
    return 0 - this.#generation;
  }

  peek(nowMs: number): number {
    return this.#letsAllIn ? 0 : this.#ask(nowMs, false);
  }

  exit(ticket: number, outcome: Outcome, nowMs: number, durationMs: number): void {
    // Nearly every call: it began in this very state, and the state is closed.
    if (this.#state === 'closed' && 0 - ticket === this.#generation) {
      this.#count(outcome);
      if (outcome === 'ignored') return;
      const reason = this.#record(outcome === 'failure', nowMs, durationMs);
      if (reason !== undefined) this.#trip(reason, nowMs);
    } else {
      if (!isGivenUp((0 - ticket) % 1)) this.#count(outcome);
      this.#settle(ticket, outcome, nowMs, durationMs);
    }
  }

  /**
   * The caller of a call gave it up while it runs on. A probe keeps its place, or callers in a hurry could
   * send any number of them: the ticket for its end. NaN for any other call.
   */
  overdue(ticket: number, outcome: Outcome): number {
    const isProbe = this.#probes !== undefined && Math.floor(0 - ticket) === this.#generation;
    if (!isProbe || outcome !== 'ignored') return Number.NaN;
    this.#count(outcome);
    return 0 - givenUp(0 - ticket);
  }

  #count(outcome: Outcome): void {
    if (outcome === 'success') this.#succeeded++;
    else if (outcome === 'failure') this.#failed++;
    else this.#ignored++;
  }

  /** Nobody will ever tell what became of the call. */
  giveUp(ticket: number, nowMs: number): void {
    this.#settle(ticket, 'ignored', nowMs, Number.NaN);
  }

  /** Finds what time alone has changed. */
  advanceTo(nowMs: number): void {
    if (this.#letsAllIn) return;
    if (this.#probes && this.#probes.patienceMs(nowMs) <= 0) {
      this.#relapse('half-open-timeout', nowMs);
    }
    if (this.#state === 'open' && this.openForMs(nowMs) === 0) {
      this.moveTo('half-open', 'open-time-over', nowMs);
    }
    if (this.#ramp?.leftMs(nowMs) === 0) this.endRamp();
  }

  /** Until the next probe may go in; 0 unless open. */
  openForMs(nowMs: number): number {
    return this.#state === 'open' ? (this.#openTime?.leftMs(nowMs) ?? 0) : 0;
  }

  rampForMs(nowMs: number): number {
    return this.#ramp?.leftMs(nowMs) ?? 0;
  }

  get relapses(): number {
    return this.#openTime?.relapses ?? 0;
  }

  /** The next open time is the first one. */
  forgetRelapses(): void {
    if (this.#openTime) this.#openTime.relapses = 0;
  }

  moveTo(to: CircuitState, reason: StateChangeReason, atMs: number): void {
    const from = this.#become(to);
    const keepsCalls = to === 'metrics-only' && from === 'closed';
    if (this.#letsAllIn && !keepsCalls) this.#forgetCalls();
    this.#tell(from, reason, atMs);
  }

  /** Closes it after it refused calls, and lets them come back by and by. */
  closeByRamp(reason: StateChangeReason, atMs: number): void {
    const { rampMs } = this.#rules.options;
    const from = this.#become('closed');
    this.#forgetCalls();
    if (rampMs > 0) this.#beginRamp(new Ramp(atMs, rampMs));
    else this.forgetRelapses();
    this.#tell(from, reason, atMs);
  }

  /** Goes on where another was; see the breaker. */
  restore(from: CircuitBreakerSnapshot, nowMs: number): void {
    const { options } = this.#rules;
    this.#openTime = new OpenTime();
    const isRecovering = from.state !== 'closed' || Math.min(from.rampForMs, options.rampMs) > 0;
    this.#openTime.relapses = isRecovering ? from.relapses : 0;
    const old = this.#become(from.state);
    this.#forgetCalls();
    refill(this.#window, from, nowMs);
    this.#consecutiveFailures = from.consecutiveFailures;
    if (from.state === 'open') {
      this.#openTime.begin(nowMs, options, Math.min(from.openForMs, options.maxOpenMs));
    }
    const rampForMs = Math.min(from.rampForMs, options.rampMs);
    if (from.state === 'closed' && rampForMs > 0) {
      this.#beginRamp(new Ramp(nowMs, options.rampMs, rampForMs));
    }
    this.#tell(old, 'restored', nowMs);
  }

  update(rules: BreakerRules, nowMs: number): void {
    this.advanceTo(nowMs);
    this.#window = windowAfter(this.#window, rules.options.slidingWindow, nowMs);
    this.#rules = rules;
    this.#openTime?.forgetBackoff();
    if (rules.options.rampMs === 0) this.endRamp();
    this.#decideRecovery(nowMs);
  }

  /** All calls go in. */
  endRamp(): void {
    if (this.#ramp === undefined) return;
    this.#ramp = undefined;
    this.#letsAllIn = true;
    this.forgetRelapses();
  }

  stats(nowMs: number): OwnStats {
    this.advanceTo(nowMs);
    this.#window.advanceTo(nowMs);
    const { total, failures, slow } = this.#window;
    return {
      state: this.#state,
      failureRate: total === 0 ? 0 : failures / total,
      slowCallRate: total === 0 ? 0 : slow / total,
      windowCalls: total,
      windowFailures: failures,
      windowSlowCalls: slow,
      consecutiveFailures: this.#consecutiveFailures,
      retryAfterMs: this.openForMs(nowMs),
      permitted: this.#permitted,
      succeeded: this.#succeeded,
      failed: this.#failed,
      ignored: this.#ignored,
      notPermitted: this.#notPermitted,
    };
  }

  /** Whether a call may go in, and if `takes`, that it does. Only for states that refuse some. */
  #ask(nowMs: number, takes: boolean): number {
    // Nearly every refusal.
    const openForMs = this.openForMs(nowMs);
    if (openForMs > 0) return openForMs;
    this.advanceTo(nowMs);
    // A listener may have changed the state.
    if (this.#letsAllIn) return 0;
    if (this.#state === 'open') return this.openForMs(nowMs);
    if (this.#ramp) return takes ? this.#ramp.enter(nowMs) : this.#ramp.peek(nowMs);
    const { options } = this.#rules;
    if (!this.#probes?.hasPlace(options)) return Infinity;
    return takes ? 0 - this.#probes.enter(nowMs, options) : 0;
  }

  #settle(ticket: number, outcome: Outcome, nowMs: number, durationMs: number): void {
    if (this.#probes) this.advanceTo(nowMs);
    if (Math.floor(0 - ticket) !== this.#generation) return;
    if (this.#probes) {
      const probe = 0 - ticket - this.#generation;
      this.#probes.exit(probe, outcome, this.#rules.isSlow(durationMs));
      this.#decideRecovery(nowMs);
    } else if (this.#state === 'metrics-only' && outcome !== 'ignored') {
      this.#record(outcome === 'failure', nowMs, durationMs);
    }
  }

  #record(failed: boolean, nowMs: number, durationMs: number): StateChangeReason | undefined {
    this.#consecutiveFailures = failed ? this.#consecutiveFailures + 1 : 0;
    this.#window.record(nowMs, failed, this.#rules.isSlow(durationMs));
    return this.#rules.reasonToOpen(this.#window, this.#consecutiveFailures);
  }

  #trip(reason: StateChangeReason, nowMs: number): void {
    // A success that opens it (the last of `minimumCalls`) may come without a time.
    const atMs = Number.isNaN(nowMs) ? this.clock.nowMs() : nowMs;
    this.advanceTo(atMs);
    if (this.#ramp) this.#relapse(reason, atMs);
    else this.#open(reason, atMs);
  }

  #decideRecovery(nowMs: number): void {
    const verdict = this.#probes?.verdict(this.#rules.options);
    if (verdict === 'probes-succeeded') this.closeByRamp(verdict, nowMs);
    else if (verdict) this.#relapse(verdict, nowMs);
  }

  #relapse(reason: StateChangeReason, nowMs: number): void {
    this.#openTime ??= new OpenTime();
    this.#openTime.relapses++;
    this.#open(reason, nowMs);
  }

  #open(reason: StateChangeReason, atMs: number): void {
    this.#openTime ??= new OpenTime();
    this.#openTime.begin(atMs, this.#rules.options);
    this.moveTo('open', reason, atMs);
  }

  /** Takes on the state, and answers which it was; the listeners are told when all is done. */
  #become(to: CircuitState): CircuitState {
    const from = this.#state;
    this.#state = to;
    this.#letsAllIn = to === 'closed' || to === 'disabled' || to === 'metrics-only';
    this.#generation++;
    this.#probes = to === 'half-open' ? new Probes() : undefined;
    this.#ramp = undefined;
    return from;
  }

  #tell(from: CircuitState, reason: StateChangeReason, atMs: number): void {
    const to = this.#state;
    if (from !== to) this.onChange?.({ from, to, reason, atMs });
  }

  #beginRamp(ramp: Ramp): void {
    this.#ramp = ramp;
    this.#letsAllIn = false;
  }

  #forgetCalls(): void {
    this.#consecutiveFailures = 0;
    this.#window.clear();
  }
}
