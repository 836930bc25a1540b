import { Backoff, isThenable, TimeoutError } from '../core/index.ts';
import { follow } from './follow.ts';
import type { Setup } from './setup.ts';

/** A connection that died as soon as it was made, and of what, where that is known. */
export interface DeadOnArrival {
  readonly error: unknown;
}

export interface DiallerOwner<T> {
  /** Places that are not taken by open connections. */
  readonly room: number;
  arrived(value: T): DeadOnArrival | undefined;
  /** One came when nobody wanted it any more. */
  cameLate(value: T): void;
  dialFailed(): void;
  /** The pause after a failed dial is over. */
  freed(): void;
}

/** A dial under way. */
interface Dial<T> {
  readonly controller: AbortController;
  readonly startMs: number;
  work: PromiseLike<T> | undefined;
  leave: () => void;
}

/** The time after a failed dial. */
interface Pause {
  readonly dueMs: number;
  readonly cancel: () => void;
}

/**
 * Makes connections, as many at a time as are wanted. After a failure there is a pause, then one dial at a
 * time, until one succeeds: a server that is coming back is not met by everybody at once.
 */
export class Dialler<T> {
  /** What the last dial failed with, until one succeeds. */
  lastError: unknown;
  isFailing = false;
  readonly #setup: Setup<T>;
  readonly #owner: DiallerOwner<T>;
  readonly #dials = new Set<Dial<T>>();
  #backoff: Backoff;
  #pause: Pause | undefined;
  /** Whether somebody waits: only then a pause keeps the process alive. */
  #isWaitedFor = false;
  #isStopped = false;
  /** Since the last failure a connection has worked. */
  #isProved = true;
  /** While a new connection is taken in: it is not known yet whether that is a failure. */
  #isArriving = false;

  constructor(setup: Setup<T>, owner: DiallerOwner<T>) {
    this.#setup = setup;
    this.#owner = owner;
    this.#backoff = new Backoff(setup.options.retryBackoff, setup.random);
  }

  /** Dials under way. */
  get creating(): number {
    return this.#dials.size;
  }

  /** When the pause ends; undefined when there is none. */
  get retryAtMs(): number | undefined {
    return this.#pause?.dueMs;
  }

  /** Dials that could be begun now. */
  get mayBegin(): number {
    if (this.#isStopped || this.#isArriving || this.#pause !== undefined) return 0;
    const room = Math.max(0, this.#owner.room - this.creating);
    return this.isFailing ? Math.min(room, this.creating === 0 ? 1 : 0) : room;
  }

  /** Sees to it that so many dials are under way, as far as that may be. */
  want(dials: number): void {
    // Counted beforehand: what `create` gives at once is not under way any more.
    let missing = dials - this.creating;
    for (; missing > 0 && this.mayBegin > 0; missing--) this.#begin();
  }

  /** Whether anybody waits has changed. */
  waitedFor(isWaitedFor: boolean): void {
    this.#isWaitedFor = isWaitedFor;
    if (this.#pause === undefined) return;
    this.#pause.cancel();
    this.#beginPause(this.#pause.dueMs);
  }

  /** A connection works: the next pause is the first again. */
  proved(): void {
    if (this.#isProved) return;
    this.#isProved = true;
    this.#backoff.reset();
  }

  /**
   * A connection that nobody had has died. A server that accepts only to hang up is dialled no more often
   * than one that refuses: from dial to dial it takes as long as the pauses say. One that lived for longer
   * than that has worked.
   */
  diedUnused(madeMs: number, reason: unknown): void {
    if (this.#pause !== undefined) return;
    const pauseMs = madeMs + this.#backoff.nextMs() - this.#setup.clock.nowMs();
    if (pauseMs <= 0) return this.#backoff.reset();
    const { name } = this.#setup;
    this.#fail(reason ?? new Error(`${name}: the connection died before anybody had it`), pauseMs);
  }

  /** The pauses of changed options hold from the next failure on. */
  renewBackoff(): void {
    this.#backoff = new Backoff(this.#setup.options.retryBackoff, this.#setup.random);
  }

  /** Gives up what is under way. */
  abandon(reason: unknown): void {
    // A copy: whoever is told may dial again.
    for (const dial of Array.from(this.#dials)) this.#giveUp(dial, reason);
  }

  stop(reason: unknown): void {
    this.#isStopped = true;
    this.#endPause();
    this.abandon(reason);
  }

  #begin(): void {
    const { clock, alarms, options, apart } = this.#setup;
    const controller = new AbortController();
    const dial: Dial<T> = {
      controller,
      startMs: clock.nowMs(),
      work: undefined,
      leave: () => undefined,
    };
    this.#dials.add(dial);
    let result;
    try {
      result = apart(() => options.create(controller.signal));
    } catch (error) {
      return this.#failed(dial, error);
    }
    if (!isThenable(result)) return this.#came(dial, result);
    dial.work = result;
    // The pool may have been stopped by the hook.
    if (!this.#dials.has(dial)) return this.#expectLate(dial);
    dial.leave = follow(
      result,
      { clock, alarms, limitMs: options.createTimeoutMs },
      {
        done: (value) => this.#came(dial, value),
        failed: (error) => this.#failed(dial, error),
        overdue: () => this.#overdue(dial, options.createTimeoutMs),
      },
    );
  }

  #came(dial: Dial<T>, value: T): void {
    if (!this.#dials.delete(dial)) return this.#owner.cameLate(value);
    const { clock, tally, events } = this.#setup;
    const tookMs = Math.max(0, clock.nowMs() - dial.startMs);
    tally.count('created');
    tally.creates.record(tookMs);
    this.#isArriving = true;
    const dead = this.#owner.arrived(value);
    this.#isArriving = false;
    if (dead === undefined) this.#succeeded();
    else {
      const message = `${this.#setup.name}: the connection died as soon as it was made`;
      this.#fail(new Error(message, dead.error === undefined ? {} : { cause: dead.error }));
    }
    events.emit('created', { tookMs });
    if (dead === undefined) this.#owner.freed();
    else this.#owner.dialFailed();
  }

  #overdue(dial: Dial<T>, timeoutMs: number): void {
    const { name } = this.#setup;
    const message = `${name}: create took longer than ${timeoutMs} ms`;
    const error = new TimeoutError(name, message, { timeoutMs });
    this.#giveUp(dial, error);
    this.#failed(dial, error);
  }

  #failed(dial: Dial<T>, error: unknown): void {
    this.#dials.delete(dial);
    if (this.#isStopped) return;
    const { clock, tally, events } = this.#setup;
    tally.count('createFailed');
    this.#fail(error);
    const retryInMs = Math.max(0, (this.retryAtMs ?? 0) - clock.nowMs());
    this.#owner.dialFailed();
    events.emit('createFailed', { error, retryInMs });
  }

  #giveUp(dial: Dial<T>, reason: unknown): void {
    this.#dials.delete(dial);
    dial.leave();
    dial.controller.abort(reason);
    this.#expectLate(dial);
  }

  #expectLate({ work }: Dial<T>): void {
    void Promise.resolve(work).then(
      (value) => {
        if (work !== undefined) this.#owner.cameLate(value as T);
      },
      () => undefined,
    );
  }

  #succeeded(): void {
    this.lastError = undefined;
    this.isFailing = false;
    this.#endPause();
  }

  #fail(error: unknown, pauseMs?: number): void {
    this.lastError = error;
    this.isFailing = true;
    this.#isProved = false;
    // Those that were under way when the pause began do not make it longer.
    if (this.#pause !== undefined || this.#isStopped) return;
    this.#beginPause(this.#setup.clock.nowMs() + (pauseMs ?? this.#backoff.nextMs()));
  }

  #beginPause(dueMs: number): void {
    const { clock } = this.#setup;
    const end = (): void => {
      this.#pause = undefined;
      this.#owner.freed();
    };
    const delayMs = Math.max(0, dueMs - clock.nowMs());
    this.#pause = { dueMs, cancel: clock.schedule(delayMs, end, { keepAlive: this.#isWaitedFor }) };
  }

  #endPause(): void {
    this.#pause?.cancel();
    this.#pause = undefined;
  }
}
