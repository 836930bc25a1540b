import type { Alarm } from '../collections/index.ts';
import { systemClock, type Clock } from '../core/index.ts';
import type { Desk } from './desk.ts';
import type { Lobby } from './shared/lobby.ts';

/** How long the main thread waits for the next result before it sleeps, in ms. */
const SPIN_MS = 0.02;

/** Results are waited for only where tasks take less than this, in ms. */
const SPIN_BELOW_MS = 0.02;

/** The event loop has its turn at least so often, in ms, however much comes in. */
const STRETCH_MS = 1;

/** How soon it looks after workers that have tasks ahead, in ms: one of them may take long. */
const AHEAD_CHECK_MS = 1;

/** How often it looks whether workers begin what they were handed, while there are tasks, in ms. */
const HUNG_CHECK_MS = 1000;

/** For the timer that keeps the process alive; longer than any process lives. */
const FOR_EVER_MS = 1e12;

export interface ReceptionSetting {
  readonly clock: Clock;
  readonly lobby: Lobby;
  readonly desk: Desk;
  /** CPUs on which results can be waited for. */
  readonly cpus: () => number;
  readonly keepAlive: boolean;
  /** Tasks of which nothing has become yet. */
  readonly live: () => number;
  readonly onIdle: () => void;
}

/**
 * Brings tasks to the workers and results back. What is submitted in one tick is shown to the workers at
 * its end. Where tasks are short and a CPU is free, it then looks for results for some microseconds, which
 * is sooner than any wake-up; then it sleeps until a worker rings. While
 * tasks are handed ahead a timer of 1 ms looks for those that take long; an idle pool has no timer.
 *
 * How long it looks, and how long it keeps the event loop, goes by the machine's clock whatever clock the pool
 * has: one that stands still would hold the thread for ever.
 */
export class Reception {
  readonly #setting: ReceptionSetting;
  #isFlushDue = false;
  #isTurnDue = false;
  #attendsAtTurn = false;
  #isAttendDue = false;
  #look: Alarm | undefined;
  #hungLook: Alarm | undefined;
  #isKept = false;
  #stretchBeganMs = Number.NaN;
  #release: (() => void) | undefined;
  #nowMs = Number.NaN;

  constructor(setting: ReceptionSetting) {
    this.#setting = setting;
    this.keep(setting.keepAlive);
  }

  /** The time, read once in a tick. */
  tickMs(): number {
    if (!this.#isFlushDue) {
      this.#nowMs = this.#setting.clock.nowMs();
      this.flushSoon();
    }
    return this.#nowMs;
  }

  /** Shows the workers at the end of the tick what they were handed, and looks for what comes back. */
  flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(this.#flush);
  }

  /** The pool has stopped. */
  close(): void {
    this.#letGo();
    const { alarms } = this.#setting.desk;
    for (const look of [this.#look, this.#hungLook]) if (look !== undefined) alarms.cancel(look);
    this.#setting.lobby.close();
  }

  /** Whether it keeps the process alive, until {@link close}, when there are no tasks. */
  keep(isKept: boolean): void {
    this.#isKept = isKept;
    if (isKept) this.#hold();
    else if (this.#setting.live() === 0) this.#letGo();
  }

  #hold(): void {
    this.#release ??= systemClock.schedule(FOR_EVER_MS, () => undefined);
  }

  readonly #flush = (): void => {
    this.#isFlushDue = false;
    this.#setting.desk.publish();
    this.attend();
  };

  /** Fetches results, and goes on to do so for as long as there are tasks. */
  readonly attend = (): void => {
    this.#isAttendDue = false;
    const { lobby } = this.#setting;
    if (this.#setting.live() === 0) return this.#rest();
    const nowMs = systemClock.nowMs();
    if (Number.isNaN(this.#stretchBeganMs)) {
      this.#stretchBeganMs = nowMs;
      this.#noteTurn();
    } else if (nowMs - this.#stretchBeganMs > STRETCH_MS) {
      this.#attendsAtTurn = true;
      return this.#noteTurn();
    }
    lobby.wake();
    if (this.#fetch() || (this.#maySpin() && this.#spin())) return this.#attendSoon();
    this.#sleep();
  };

  /** Fetches results that a worker has told of. */
  readonly onNews = (): void => {
    const { desk } = this.#setting;
    desk.collect();
    desk.publish();
    this.#attendSoon();
  };

  #fetch(): boolean {
    const { desk } = this.#setting;
    if (!desk.hasResults()) return false;
    desk.collect();
    desk.publish();
    return true;
  }

  #maySpin(): boolean {
    const { desk, cpus } = this.#setting;
    let busy = 0;
    for (const worker of desk.workers) if (worker.outstanding > 0) busy++;
    return busy > 0 && busy < cpus() && desk.recentRunMs < SPIN_BELOW_MS;
  }

  #spin(): boolean {
    const { desk } = this.#setting;
    const untilMs = systemClock.nowMs() + SPIN_MS;
    do {
      for (let i = 0; i < 10; i++) if (desk.hasResults()) return this.#fetch();
    } while (systemClock.nowMs() < untilMs);
    return false;
  }

  /** After those who wait for the results have had their say. */
  #attendSoon(): void {
    if (this.#setting.live() === 0) return this.#rest();
    if (this.#isAttendDue) return;
    this.#isAttendDue = true;
    queueMicrotask(this.attend);
  }

  /** Notes when the event loop has had its turn, and goes on then if it was kept from that. */
  #noteTurn(): void {
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    setImmediate(() => {
      this.#isTurnDue = false;
      this.#stretchBeganMs = Number.NaN;
      if (!this.#attendsAtTurn) return;
      this.#attendsAtTurn = false;
      this.#setting.desk.collect();
      this.#setting.desk.publish();
      // Also when that was the last result: then it lets go of the process.
      this.attend();
    });
  }

  #sleep(): void {
    const { desk, lobby } = this.#setting;
    this.#hold();
    if (desk.hasAhead) this.#lookLater();
    this.#hungLook ??= this.#lookForHung();
    if (!lobby.sleep(() => desk.hasResults(), this.onNews)) this.#attendSoon();
  }

  /** While main sleeps, a task may turn out to be long, with others waiting behind it. */
  #lookLater(): void {
    if (this.#look !== undefined) return;
    const { desk, clock } = this.#setting;
    this.#look = desk.alarms.set(clock.nowMs() + AHEAD_CHECK_MS, () => {
      this.#look = undefined;
      desk.collect();
      desk.publish();
      // One that had just begun the next task may now be long over that.
      if (desk.hasAhead) this.#lookLater();
    });
  }

  #lookForHung(): Alarm {
    const { desk, clock, live } = this.#setting;
    return desk.alarms.set(clock.nowMs() + HUNG_CHECK_MS, () => {
      desk.checkHung();
      this.#hungLook = live() > 0 ? this.#lookForHung() : undefined;
    });
  }

  #letGo(): void {
    this.#release?.();
    this.#release = undefined;
  }

  #rest(): void {
    if (!this.#isKept) this.#letGo();
    this.#setting.onIdle();
  }
}
