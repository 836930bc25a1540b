import type { Target } from '../target.ts';
import type { Targets } from '../targets.ts';
import {
  resolveHealthCheckOptions,
  type HealthCheckOptions,
  type HealthChecksOptions,
  type Probe,
} from './options.ts';
import { TargetCheck, type CheckHost } from './target-check.ts';

/** Share of the interval by which a probe may be early or late, so that those of a fleet spread. */
const JITTER = 0.1;
/** The first probes of all targets take turns of so long, unless that were more than the interval. */
const FIRST_TURN_MS = 5;

export interface HealthChecksStats {
  /** Probes that had a result, or no more time for one. */
  readonly probes: number;
  /** Those whose result was bad. */
  readonly failed: number;
}

/**
 * Active health checks: probes each target at an interval, and tells the set what that says. The first
 * result of a target decides alone, so that a start finds out at once what is down. Timers do not keep the
 * process alive.
 */
export class HealthChecks {
  readonly #targets: Targets;
  readonly #host: CheckHost;
  readonly #checks = new Map<Target, TargetCheck>();
  readonly #unlisten: readonly (() => void)[];
  readonly #random: HealthChecksOptions['random'];
  #probes = 0;
  #failed = 0;

  constructor(targets: Targets, probe: Probe, options: HealthChecksOptions) {
    this.#targets = targets;
    this.#random = options.random;
    this.#host = {
      clock: options.clock,
      probe,
      options: resolveHealthCheckOptions(options),
      nextDelayMs: () => this.#nextDelayMs(),
      probed: (target, isGood, isHealthy) => this.#probed(target, isGood, isHealthy),
    };
    for (const target of targets.all) this.#add(target);
    this.#unlisten = [
      targets.on('added', ({ target }) => this.#add(target)),
      targets.on('removed', ({ target }) => this.#remove(target)),
    ];
  }

  /** Replaces the options, live: from the next probe of each target on. What is left out has its default. */
  update(options: HealthCheckOptions): void {
    this.#host.options = resolveHealthCheckOptions(options);
  }

  stats(): HealthChecksStats {
    return { probes: this.#probes, failed: this.#failed };
  }

  /** Ends all probes and timers. Nothing is known of any target's health then, so all are used. */
  stop(): void {
    for (const unlisten of this.#unlisten) unlisten();
    for (const target of this.#checks.keys()) {
      this.#remove(target);
      this.#targets.setHealth(target, undefined);
    }
  }

  #add(target: Target): void {
    const { intervalMs } = this.#host.options;
    const spreadMs = Math.min(intervalMs, FIRST_TURN_MS * this.#targets.all.length);
    this.#checks.set(target, new TargetCheck(this.#host, target, spreadMs * this.#random.next()));
  }

  #remove(target: Target): void {
    this.#checks.get(target)?.stop();
    this.#checks.delete(target);
  }

  #nextDelayMs(): number {
    return this.#host.options.intervalMs * (1 + JITTER * (2 * this.#random.next() - 1));
  }

  #probed(target: Target, isGood: boolean, isHealthy: boolean): void {
    this.#probes++;
    if (!isGood) this.#failed++;
    this.#targets.setHealth(target, isHealthy);
  }
}
