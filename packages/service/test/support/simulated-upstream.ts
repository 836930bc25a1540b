import { ManualClock, SeededRandom } from '@sluice/core/testing';

import { Targets, type Attempt, type TargetsOptions } from '../../src/upstream/balancer/index.ts';

/** How a simulated target behaves from now on. */
export interface Behaviour {
  /** Mean time to an answer, in ms; exponentially distributed. */
  readonly meanMs: number;
  /** It fails, after so long, in ms. */
  readonly failsAfterMs?: number;
}

export interface Served {
  readonly arrivedMs: number;
  readonly tookMs: number;
  readonly isFailed: boolean;
}

export interface Load {
  readonly ratePerSecond: number;
  readonly durationMs: number;
}

type Changes = Partial<Omit<TargetsOptions, 'clock' | 'random'>> & { readonly attempts?: number };

/** Targets under an open loop of requests on virtual time: those that arrive do not wait for those before. */
export class SimulatedUpstream {
  readonly clock: ManualClock = new ManualClock();
  readonly random: SeededRandom;
  readonly targets: Targets;
  readonly served: Served[] = [];
  /** Requests sent to each target, by its origin. */
  readonly sent: Record<string, number> = {};
  readonly #behaviours: Record<string, Behaviour>;
  readonly #waiting: Request[] = [];
  readonly #attempts: number;

  constructor(seed: number, behaviours: Record<string, Behaviour>, changes: Changes = {}) {
    const { attempts = 1, ...options } = changes;
    this.random = new SeededRandom(seed);
    this.#behaviours = { ...behaviours };
    this.#attempts = attempts;
    this.targets = new Targets(
      Object.keys(behaviours).map((origin) => ({ origin })),
      { name: 'simulated', connections: 64, ...options, clock: this.clock, random: this.random },
    );
  }

  /** From now on the target behaves so; requests under way to it end as they would have. */
  change(origin: string, behaviour: Behaviour): void {
    this.#behaviours[origin] = behaviour;
  }

  /** Requests arrive at random times for so long. */
  run({ ratePerSecond, durationMs }: Load): void {
    const endMs = this.clock.nowMs() + durationMs;
    let nextMs = this.clock.nowMs();
    for (;;) {
      nextMs += this.#exponential(1000 / ratePerSecond);
      if (nextMs >= endMs) break;
      this.clock.advanceTo(nextMs);
      this.#send({ arrivedMs: nextMs, tried: [] });
    }
    this.clock.advanceTo(endMs);
  }

  /** Until nothing is under way any more. */
  finish(): void {
    while (this.targets.inFlight > 0) this.clock.advanceTo(this.clock.nextDueMs);
  }

  /** Of the requests that arrived in this time, the share `percentile` took no longer, in ms. */
  percentileMs(percentile: number, fromMs: number, untilMs: number): number {
    const took = this.served
      .filter(({ arrivedMs }) => arrivedMs >= fromMs && arrivedMs < untilMs)
      .map(({ tookMs }) => tookMs)
      .sort((a, b) => a - b);
    return took[Math.ceil(percentile * took.length) - 1] ?? Number.NaN;
  }

  #send(request: Request): void {
    const nowMs = this.clock.nowMs();
    const attempt = this.targets.take(nowMs, request.tried);
    if (attempt === undefined) this.#waiting.push(request);
    else if (attempt instanceof Error) this.#end(request, true);
    else this.#attempt(request, attempt);
  }

  #attempt(request: Request, attempt: Attempt): void {
    const { name } = attempt;
    this.sent[name] = (this.sent[name] ?? 0) + 1;
    const { meanMs, failsAfterMs } = this.#behaviours[name]!;
    const isFailed = failsAfterMs !== undefined;
    this.clock.schedule(failsAfterMs ?? this.#exponential(meanMs), () => {
      const nowMs = this.clock.nowMs();
      if (!isFailed) attempt.answered(nowMs);
      attempt.settle(nowMs, isFailed ? 'failure' : 'success');
      const tried = [...request.tried, attempt];
      if (isFailed && tried.length < this.#attempts) this.#send({ ...request, tried });
      else this.#end(request, isFailed);
      this.#admitWaiting();
    });
  }

  #admitWaiting(): void {
    for (let left = this.#waiting.length; left > 0; left--) this.#send(this.#waiting.shift()!);
  }

  #end({ arrivedMs }: Request, isFailed: boolean): void {
    this.served.push({ arrivedMs, tookMs: this.clock.nowMs() - arrivedMs, isFailed });
  }

  #exponential(meanMs: number): number {
    return -meanMs * Math.log(1 - this.random.next());
  }
}

interface Request {
  readonly arrivedMs: number;
  readonly tried: readonly Attempt[];
}
