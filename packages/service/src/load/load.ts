import { systemClock, systemRandom, type Clock, type Random } from '@sluice/core';
import { ClosedLoop } from './closed-loop.ts';
import { LoadCollector } from './collector.ts';
import { Connections } from './connections.ts';
import type { LoadReport } from './figures.ts';
import type { LoadInterval } from './interval.ts';
import { OpenLoop } from './open-loop.ts';
import type { LoadOptions } from './options.ts';
import { planOf, type ClosedShape, type LoadPlan, type OpenShape } from './plan.ts';
import { buildReport } from './report.ts';
import { arrivalSchedule } from './schedule.ts';
import { targetOf } from './target.ts';

/** What a run says about itself while it goes on. */
export interface LoadProgress {
  /** Since the start of the run, in ms. */
  readonly elapsedMs: number;
  /** Time that `interval` covers, in ms: about 1000. */
  readonly intervalMs: number;
  readonly inFlight: number;
  readonly interval: LoadInterval;
}

export interface LoadHooks {
  /** Called about once a second, until the last answer has come. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Ends the run early; what is in flight then counts as unfinished. */
  readonly signal?: AbortSignal | undefined;
  /** Draws the gaps of Poisson arrivals. @default systemRandom */
  readonly random?: Random;
  /** @default systemClock */
  readonly clock?: Clock;
}

const PROGRESS_MS = 1000;

/** Decides when requests are sent. */
interface SendLoop {
  /** Resolves when nothing more is to be sent. */
  run(): Promise<void>;
  stop(): void;
  answered?(): void;
  failed?(): void;
}

/**
 * Sends requests to one URL and reports what became of them. Ends by itself after `durationMs` and a
 * drain of at most `timeoutMs` (one second more when this process could not keep up). Redirects are
 * not followed, so that the load stays on the host that was named.
 * @throws InvalidOptionsError naming all problems at once.
 */
export async function load(options: LoadOptions, hooks: LoadHooks = {}): Promise<LoadReport> {
  return new LoadRun(planOf(options), hooks).run();
}

class LoadRun {
  readonly #plan: LoadPlan;
  readonly #hooks: LoadHooks;
  readonly #clock: Clock;
  readonly #collector: LoadCollector;
  readonly #connections: Connections;
  readonly #startMs: number;
  readonly #loop: SendLoop;
  #lastProgressMs: number;
  #cancelProgress: (() => void) | undefined;
  #interruptedMs: number | undefined;

  constructor(plan: LoadPlan, hooks: LoadHooks) {
    this.#plan = plan;
    this.#hooks = hooks;
    this.#clock = hooks.clock ?? systemClock;
    this.#collector = new LoadCollector({ windowMs: plan.durationMs, succeeds: plan.succeeds });
    this.#connections = new Connections({
      target: targetOf(plan),
      clock: this.#clock,
      maxInFlight: plan.shape.loop === 'open' ? plan.shape.maxInFlight : plan.shape.connections,
      timeoutMs: plan.timeoutMs,
      settlements: this,
    });
    this.#startMs = this.#clock.nowMs();
    this.#lastProgressMs = this.#startMs;
    this.#loop =
      plan.shape.loop === 'open' ? this.#openLoop(plan.shape) : this.#closedLoop(plan.shape);
  }

  async run(): Promise<LoadReport> {
    const { signal } = this.#hooks;
    signal?.addEventListener('abort', this.#interrupt);
    this.#progressIn(PROGRESS_MS);
    if (signal?.aborted) this.#interrupt();
    else await this.#loop.run();
    await this.#connections.idle();
    this.#cancelProgress?.();
    signal?.removeEventListener('abort', this.#interrupt);
    const elapsedMs = this.#clock.nowMs() - this.#startMs;
    await this.#connections.close();
    return buildReport({
      plan: this.#plan,
      collector: this.#collector,
      elapsedMs,
      interruptedMs: this.#interruptedMs,
      peakInFlight: this.#connections.peakInFlight,
    });
  }

  answered(status: number, latencyMs: number, atMs: number): void {
    this.#collector.addAnswer(status, latencyMs, atMs);
    this.#loop.answered?.();
  }

  failed(kind: string): void {
    this.#collector.addError(kind);
    this.#loop.failed?.();
  }

  #openLoop(shape: OpenShape): OpenLoop {
    const collector = this.#collector;
    const { durationMs } = this.#plan;
    return new OpenLoop({
      schedule: arrivalSchedule({ ...shape, durationMs }, this.#hooks.random ?? systemRandom),
      clock: this.#clock,
      startMs: this.#startMs,
      durationMs,
      send: (dueMs, nowMs) => {
        if (this.#connections.send(dueMs, nowMs)) collector.addSent(nowMs - dueMs);
        else collector.addDropped('in-flight-limit');
      },
      drop: (count) => collector.addDropped('out-of-time', count),
    });
  }

  #closedLoop({ connections }: ClosedShape): ClosedLoop {
    return new ClosedLoop({
      connections,
      clock: this.#clock,
      durationMs: this.#plan.durationMs,
      send: (nowMs) => {
        this.#collector.addSent();
        this.#connections.send(nowMs, nowMs);
      },
    });
  }

  readonly #interrupt = (): void => {
    this.#interruptedMs ??= this.#clock.nowMs() - this.#startMs;
    this.#loop.stop();
    this.#collector.addUnfinished(this.#connections.abandon());
  };

  #progressIn(delayMs: number): void {
    this.#cancelProgress = this.#clock.schedule(delayMs, () => {
      const nowMs = this.#clock.nowMs();
      const elapsedMs = nowMs - this.#startMs;
      const intervalMs = nowMs - this.#lastProgressMs;
      this.#lastProgressMs = nowMs;
      this.#progressIn(PROGRESS_MS - (elapsedMs % PROGRESS_MS));
      this.#hooks.onProgress?.({
        elapsedMs,
        intervalMs,
        inFlight: this.#connections.inFlight,
        interval: this.#collector.takeInterval(),
      });
    });
  }
}
