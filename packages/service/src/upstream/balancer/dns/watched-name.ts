import { Backoff, type Clock, type Random } from '@sluice/core';

import type { NameAnswer } from './name-lookup.ts';
import type { ResolvedDnsOptions } from './options.ts';

/** What all watched names have in common. */
export interface WatchHost {
  readonly clock: Clock;
  readonly random: Random;
  /** As of now; they may change. */
  options: ResolvedDnsOptions;
  lookUp(name: string): Promise<NameAnswer>;
  /** The first result, or a later one: `error` is undefined when it went well. */
  lookedUp(name: WatchedName, error: unknown): void;
}

/**
 * One name that is looked up again when its TTL is over. A lookup that fails changes nothing, and the next
 * one comes later each time.
 */
export class WatchedName {
  readonly name: string;
  readonly #host: WatchHost;
  #addresses: readonly string[] = [];
  #failures = 0;
  #backoff: Backoff | undefined;
  #hasResult = false;
  #cancelTimer: (() => void) | undefined;
  #isStopped = false;

  constructor(host: WatchHost, name: string) {
    this.#host = host;
    this.name = name;
    void this.#lookUp();
  }

  /** What it stood for when it was last known; sorted. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** Lookups that failed since the last that went well. */
  get failures(): number {
    return this.#failures;
  }

  /** Whether it was looked up once, well or not. */
  get hasResult(): boolean {
    return this.#hasResult;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
  }

  async #lookUp(): Promise<void> {
    let error: unknown;
    let ttlMs = 0;
    let found = this.#addresses;
    try {
      ({ addresses: found, ttlMs } = await this.#host.lookUp(this.name));
    } catch (failure) {
      error = failure;
    }
    if (this.#isStopped) return;
    this.#hasResult = true;
    this.#addresses = found;
    this.#failures = error === undefined ? 0 : this.#failures + 1;
    this.#schedule(error === undefined ? this.#keepMs(ttlMs) : this.#backOffMs());
    this.#host.lookedUp(this, error);
  }

  #keepMs(ttlMs: number): number {
    const { minTtlMs, maxTtlMs } = this.#host.options;
    this.#backoff = undefined;
    return Math.min(maxTtlMs, Math.max(minTtlMs, ttlMs));
  }

  #backOffMs(): number {
    const { random, options } = this.#host;
    const { minTtlMs: baseMs, maxTtlMs: maxMs } = options;
    this.#backoff ??= new Backoff({ type: 'exponential', baseMs, maxMs, jitter: 'equal' }, random);
    return this.#backoff.nextMs();
  }

  #schedule(delayMs: number): void {
    const due = (): void => void this.#lookUp();
    this.#cancelTimer = this.#host.clock.schedule(delayMs, due, { keepAlive: false });
  }
}
