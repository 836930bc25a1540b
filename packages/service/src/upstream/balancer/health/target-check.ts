import type { Clock } from '@sluice/core';

import type { Target } from '../target.ts';
import { HealthVerdict } from './health-verdict.ts';
import type { Probe, ResolvedHealthCheckOptions } from './options.ts';

/** What the checks of all targets have in common. */
export interface CheckHost {
  readonly clock: Clock;
  readonly probe: Probe;
  /** As of now; they may change. */
  options: ResolvedHealthCheckOptions;
  /** Until the next probe, in ms. */
  nextDelayMs(): number;
  /** A result is here, or the time for it is over. */
  probed(target: Target, isGood: boolean, isHealthy: boolean): void;
}

/** Probes one target again and again, one probe at a time. */
export class TargetCheck {
  readonly #host: CheckHost;
  readonly #target: Target;
  readonly #verdict = new HealthVerdict();
  /** Of the probe under way; undefined without one. */
  #controller: AbortController | undefined;
  #cancelTimer: (() => void) | undefined;
  #isStopped = false;

  constructor(host: CheckHost, target: Target, firstDelayMs: number) {
    this.#host = host;
    this.#target = target;
    this.#schedule(firstDelayMs);
  }

  /** Ends the probe under way; nothing is told any more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
    this.#controller?.abort();
  }

  #schedule(delayMs: number): void {
    const due = (): void => this.#begin();
    this.#cancelTimer = this.#host.clock.schedule(delayMs, due, { keepAlive: false });
  }

  #begin(): void {
    // One that is over its time and heeds no signal: it is not joined by another.
    if (this.#controller) this.#conclude(false);
    else void this.#probe();
  }

  async #probe(): Promise<void> {
    const { clock, options, probe } = this.#host;
    const controller = new AbortController();
    this.#controller = controller;
    let isConcluded = false;
    const conclude = (isGood: boolean): void => {
      if (isConcluded || this.#isStopped) return;
      isConcluded = true;
      this.#cancelTimer?.();
      this.#conclude(isGood);
    };
    const giveUp = (): void => {
      conclude(false);
      controller.abort();
    };
    this.#cancelTimer = clock.schedule(options.timeoutMs, giveUp, { keepAlive: false });
    const isGood = await resultOf(probe, this.#target, controller.signal);
    this.#controller = undefined;
    conclude(isGood);
  }

  #conclude(isGood: boolean): void {
    this.#verdict.record(isGood, this.#host.options);
    this.#schedule(this.#host.nextDelayMs());
    this.#host.probed(this.#target, isGood, this.#verdict.isHealthy === true);
  }
}

async function resultOf(probe: Probe, target: Target, signal: AbortSignal): Promise<boolean> {
  try {
    return await probe(target, signal);
  } catch {
    return false;
  }
}
