import { Emitter, warn, type Clock, type Listener } from '../core/index.ts';
import { LoadSampler } from './load-sampler.ts';
import type { LoadSample } from './load-sample.ts';
import {
  resolveAutoscalerOptions,
  type AutoscalerOptions,
  type ResolvedAutoscalerOptions,
} from './options.ts';
import type { ScalablePool } from './scalable-pool.ts';
import { ScalingPolicy, type ScalingReason, type Verdict } from './scaling-policy.ts';

type Changes = Partial<Omit<AutoscalerOptions, 'name' | 'clock' | 'random'>>;

/** Looks at the pool that make one interval. */
const LOOKS = 10;

export interface AutoscalerStats {
  /** The pool's. */
  readonly size: number;
  readonly min: number;
  readonly max: number;
  /** Whether it looks at the pool now. False before `start`, after `stop`, and at rest. */
  readonly watching: boolean;
  /** Since the start: intervals judged, and what became of the pool. */
  readonly decisions: number;
  readonly grown: number;
  readonly shrunk: number;
  /** Changes that were wanted and not made: so soon after the last one, or for too little waiting. */
  readonly heldByCooldown: number;
  readonly heldBySpawnCost: number;
  /** Decisions that failed, as a strategy or the pool threw. */
  readonly failed: number;
  /** Of the last interval; 0 before it. */
  readonly busyShare: number;
  readonly queued: number;
  readonly throughputPerSecond: number;
}

export interface AutoscalerEvents {
  resize: { readonly from: number; readonly to: number; readonly reason: ScalingReason };
}

/**
 * Sizes a WorkerPool or a ThreadPool by its load, between `min` and `max`. Looks at it ten times an interval and
 * decides once. Does not keep the process alive. With the pool idle at its smallest size it has no timer where
 * the pool can call it, and looks once an interval where not.
 *
 * O(1) and no allocation to speak of, ten times an interval; what a decision costs is up to the strategy.
 */
export class Autoscaler {
  readonly name: string;
  readonly clock: Clock;
  readonly #pool: ScalablePool;
  #given: AutoscalerOptions;
  #options: ResolvedAutoscalerOptions;
  readonly #policy: ScalingPolicy;
  readonly #events = new Emitter<AutoscalerEvents>();
  #sampler: LoadSampler | undefined;
  #cancel: (() => void) | undefined;
  #isResting = false;
  #last: LoadSample | undefined;
  readonly #counts = { decisions: 0, grown: 0, shrunk: 0, cooldown: 0, spawnCost: 0, failed: 0 };

  /**
   * Does nothing before `start`.
   * @throws InvalidOptionsError naming every option that is wrong.
   */
  constructor(pool: ScalablePool, options: AutoscalerOptions) {
    this.#pool = pool;
    this.#given = { ...options };
    this.#options = this.#resolve(options);
    this.name = this.#options.name;
    this.clock = this.#options.clock;
    this.#policy = new ScalingPolicy(this.#options);
  }

  /** Begins to watch the pool, and brings its size within the bounds at once. Once started, does nothing. */
  start(): this {
    if (this.#sampler !== undefined) return this;
    this.#keepWithin();
    this.#watch();
    return this;
  }

  /** Leaves the pool at the size it has. `start` begins anew. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#sampler = undefined;
    this.#isResting = false;
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  /**
   * Changes options live; new bounds hold at once. A strategy that is the same keeps what it has learnt. `name`,
   * `clock` and `random` stay what they are. An option that is undefined goes back to its default.
   * @throws InvalidOptionsError and changes nothing when an option is wrong.
   */
  update(changes: Changes): void {
    const { name, clock, random } = this.#options;
    const given = { ...this.#given, ...changes, name, clock, random };
    this.#options = this.#resolve(given);
    this.#given = given;
    this.#policy.update(this.#options);
    if (this.#sampler === undefined) return;
    this.#keepWithin();
    this.#watch();
  }

  on<K extends keyof AutoscalerEvents>(
    event: K,
    listener: Listener<AutoscalerEvents[K]>,
  ): () => void {
    return this.#events.on(event, listener);
  }

  stats(): AutoscalerStats {
    const { min, max } = this.#options;
    const { decisions, grown, shrunk, cooldown, spawnCost, failed } = this.#counts;
    const last = this.#last;
    return {
      size: this.#pool.stats().size,
      min,
      max,
      watching: this.#sampler !== undefined && !this.#isResting,
      decisions,
      grown,
      shrunk,
      heldByCooldown: cooldown,
      heldBySpawnCost: spawnCost,
      failed,
      busyShare: last?.busyShare ?? 0,
      queued: last?.queued ?? 0,
      throughputPerSecond: last === undefined ? 0 : (1000 * last.completed) / last.durationMs,
    };
  }

  #resolve(given: AutoscalerOptions): ResolvedAutoscalerOptions {
    const hasTotals = typeof this.#pool.workTotals === 'function';
    return resolveAutoscalerOptions(given, { name: this.#pool.name, hasTotals });
  }

  /** Starts an interval. */
  #watch(): void {
    this.#cancel?.();
    this.#isResting = false;
    this.#sampler = new LoadSampler(this.#pool, this.clock.nowMs());
    this.#lookIn(this.#options.intervalMs / LOOKS);
  }

  /** Next to the middle of `aboutMs`, from a half of it to one and a half. */
  #lookIn(aboutMs: number): void {
    const delayMs = aboutMs * (0.5 + this.#options.random.next());
    this.#cancel = this.clock.schedule(delayMs, () => this.#look(), { keepAlive: false });
  }

  #look(): void {
    const sampler = this.#sampler;
    if (sampler === undefined) return;
    const lookMs = this.#options.intervalMs / LOOKS;
    sampler.look();
    const sample = sampler.looks < LOOKS ? undefined : sampler.take(this.clock.nowMs());
    this.#lookIn(lookMs);
    if (sample === undefined) return;
    this.#last = sample;
    // A pool that is paused or stops shows nothing of what it needs.
    if ((this.#pool.stats().state ?? 'running') === 'running') this.#judge(sample);
  }

  #judge(sample: LoadSample): void {
    this.#counts.decisions++;
    try {
      const verdict = this.#policy.decide(sample);
      this.#countHeld(verdict);
      if (verdict.size !== sample.size) this.#resize(verdict.size, verdict.reason);
      else if (verdict.reason === 'idle' && verdict.size === this.#options.min) this.#rest();
    } catch (error) {
      // The pool goes on at the size it has; a service must not end because nobody could size it.
      this.#counts.failed++;
      warn(error);
    }
  }

  #countHeld({ held }: Verdict): void {
    if (held === 'cooldown') this.#counts.cooldown++;
    else if (held === 'spawn-cost') this.#counts.spawnCost++;
  }

  #keepWithin(): void {
    const { min, max } = this.#options;
    const { size } = this.#pool.stats();
    const within = Math.min(max, Math.max(min, size));
    if (within !== size) this.#resize(within, 'bounds');
  }

  #resize(to: number, reason: ScalingReason): void {
    const from = this.#pool.stats().size;
    this.#pool.resize(to);
    this.#policy.changed(this.clock.nowMs());
    if (to > from) this.#counts.grown++;
    else this.#counts.shrunk++;
    this.#events.emit('resize', { from, to, reason });
  }

  /** Nothing to do until a task finds no free worker, or, where the pool does not tell, until there is one. */
  #rest(): void {
    this.#cancel?.();
    this.#isResting = true;
    if (this.#pool.whenPressed === undefined) this.#peekLater(this.#pool.stats().completed);
    else this.#cancel = this.#pool.whenPressed(() => this.#watch());
  }

  #peekLater(completed: number): void {
    const peek = (): void => {
      const stats = this.#pool.stats();
      const isIdle = stats.active === 0 && stats.queued === 0 && stats.completed === completed;
      if (isIdle) this.#peekLater(completed);
      else this.#watch();
    };
    this.#cancel = this.clock.schedule(this.#options.intervalMs, peek, { keepAlive: false });
  }
}
