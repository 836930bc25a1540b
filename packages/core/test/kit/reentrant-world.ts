import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import {
  ConnectionPool,
  type AcquireOptions,
  type ConnectionPoolOptions,
  type Lease,
} from '../../src/connection-pool/index.ts';
import { ManualClock, SeededRandom, settlePromises } from '../../src/testing/index.ts';

interface Link {
  isAlive: boolean;
  isHeld: boolean;
  ends: number;
  die: () => void;
}

interface Call {
  readonly controller: AbortController | undefined;
  outcomes: number;
}

/** How deep the pool is called from within itself. */
const DEEPEST = 3;

/**
 * A pool whose hooks and listeners call it, in whatever moment, and are slow, false, or fail: all by chance, but
 * the same for a seed.
 */
export class ReentrantWorld {
  readonly #random: SeededRandom;
  readonly #clock = new ManualClock();
  readonly #pool: ConnectionPool<Link>;
  readonly #calls: Call[] = [];
  readonly #links: Link[] = [];
  readonly #held: { readonly lease: Lease<Link>; readonly link: Link }[] = [];
  readonly #mistakes: string[] = [];
  readonly #stopsInside: boolean;
  #depth = 0;
  #tries = 0;
  #stopped: Promise<unknown> | undefined;

  constructor(seed: number, stopsInside: boolean) {
    this.#random = new SeededRandom(seed);
    this.#stopsInside = stopsInside;
    this.#pool = new ConnectionPool<Link>(this.#options());
    for (const event of ['created', 'createFailed', 'destroyed', 'leak', 'hookFailed'] as const) {
      this.#pool.on(event, () => this.#interfere());
    }
  }

  async play(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      this.#act();
      this.#check();
      if (this.#chance(0.6)) await this.#clock.run(this.#below(15));
      else await settlePromises();
      this.#check();
    }
  }

  /** Stops it, unless that has been done, and looks whether anything is left. */
  async end(): Promise<void> {
    let isStopped = false;
    this.#stopped ??= this.#pool.stop({ timeoutMs: 20 });
    const stopped = this.#stopped.then(() => (isStopped = true));
    await this.#clock.run(500);
    assert.ok(isStopped, 'stop is over');
    await stopped;
    for (const { lease } of this.#held) lease.release();
    await this.#clock.run(200);
    this.#check();
    assert.equal(this.#clock.pending, 0, 'no timer is left');
    assert.ok(
      this.#calls.every(({ outcomes }) => outcomes === 1),
      'each call has settled once',
    );
    assert.ok(
      this.#links.every(({ ends }) => ends === 1),
      'each connection was ended once',
    );
    for (const { controller } of this.#calls) {
      if (controller) assert.deepEqual(getEventListeners(controller.signal, 'abort'), []);
    }
  }

  #options(): ConnectionPoolOptions<Link> {
    const max = 1 + this.#below(4);
    const hasReset = this.#chance(0.7);
    return {
      clock: this.#clock,
      random: this.#random,
      max,
      min: this.#below(max + 1),
      maxPending: this.#below(10),
      acquireTimeoutMs: 40,
      createTimeoutMs: 20,
      hookTimeoutMs: 15,
      idleTimeoutMs: 30,
      maxLifetimeMs: 60,
      maxUses: 5,
      validateAfterIdleMs: this.#of([0, 5, Infinity]),
      keepAliveIntervalMs: 12,
      leakDetectionMs: this.#of([10, Infinity]),
      retryBackoff: { type: 'exponential', baseMs: 4, maxMs: 20, jitter: 'full' },
      create: () => this.#create(),
      watch: (link, died) => this.#watch(link, died),
      isOpen: (link) => {
        this.#interfere(link);
        return link.isAlive;
      },
      isHealthy: (link) => this.#ask(link, () => link.isAlive),
      ...(hasReset ? { reset: (link: Link): unknown => this.#ask(link, () => true) } : {}),
      destroy: (link) => this.#destroy(link),
    };
  }

  #create(): Promise<Link> | Link {
    this.#interfere();
    if (this.#chance(0.1)) throw new Error('no route');
    return this.#soonOrLater(() => {
      if (this.#chance(0.15)) throw new Error('refused');
      const link: Link = { isAlive: true, isHeld: false, ends: 0, die: () => undefined };
      this.#links.push(link);
      return link;
    });
  }

  #watch(link: Link, died: () => void): void {
    link.die = (): void => {
      link.isAlive = false;
      died();
    };
    this.#interfere(link);
    if (this.#chance(0.05)) link.die();
    if (this.#chance(0.02)) throw new Error('cannot be watched');
  }

  #destroy(link: Link): unknown {
    link.ends++;
    link.isAlive = false;
    this.#interfere(link);
    return this.#hook(link, 0.03, () => true);
  }

  #ask(link: Link, answer: () => boolean): Promise<boolean> | boolean {
    if (link.isHeld) this.#mistakes.push('a connection was checked or reset that is held');
    return this.#hook(link, 0.05, answer);
  }

  #hook(link: Link, risk: number, answer: () => boolean): Promise<boolean> | boolean {
    this.#interfere(link);
    const result = this.#soonOrLater(() => {
      if (this.#chance(risk)) throw new Error('failed');
      return !this.#chance(risk) && answer();
    });
    this.#interfere(link);
    return result;
  }

  /** At once, later, or now and then never. */
  #soonOrLater<R>(result: () => R): Promise<R> | R {
    if (this.#chance(0.5)) return result();
    return new Promise((resolve, reject) => {
      if (this.#chance(0.1)) return;
      this.#clock.schedule(this.#below(30), () => {
        try {
          resolve(result());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #interfere(link?: Link): void {
    if (this.#depth >= DEEPEST || !this.#chance(0.15)) return;
    this.#depth++;
    try {
      this.#act(link);
    } finally {
      this.#depth--;
    }
  }

  #act(link: Link | undefined = this.#of(this.#links)): void {
    const acts: readonly (readonly [number, () => void])[] = [
      [4, () => this.#acquire()],
      [1, () => this.#tryAcquire()],
      [3, () => this.#giveBack((lease) => lease.release())],
      [1, () => this.#giveBack((lease) => lease.destroy(new Error('unfit')))],
      [1, () => this.#of(this.#calls)?.controller?.abort(new Error('gone'))],
      [1, () => link?.die()],
      [1, () => this.#update()],
      [0.2, () => this.#pool.evict()],
      [this.#stopsInside ? 0.1 : 0, () => this.#stop()],
    ];
    let at = this.#random.next() * acts.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, act] of acts) {
      at -= weight;
      if (at < 0) return act();
    }
  }

  #acquire(): void {
    const controller = this.#chance(0.5) ? new AbortController() : undefined;
    const call: Call = { controller, outcomes: 0 };
    this.#calls.push(call);
    const options: AcquireOptions = {
      signal: controller?.signal,
      priority: this.#below(16) - 8,
      timeoutMs: this.#of([0, 5, 30, Infinity]),
    };
    this.#pool.acquire(this.#chance(0.4) ? undefined : options).then(
      (lease) => {
        call.outcomes++;
        this.#receive(lease);
      },
      () => call.outcomes++,
    );
  }

  #tryAcquire(): void {
    this.#tries++;
    const lease = this.#pool.tryAcquire();
    if (lease === undefined) return;
    if (!lease.value.isAlive) this.#mistakes.push('a dead connection was handed out');
    this.#receive(lease);
  }

  #giveBack(end: (lease: Lease<Link>) => void): void {
    const [taken] = this.#held.splice(this.#below(this.#held.length), 1);
    if (taken === undefined) return;
    taken.link.isHeld = false;
    end(taken.lease);
  }

  #update(): void {
    const max = 1 + this.#below(5);
    this.#pool.update({ max, min: this.#below(max + 1) });
  }

  #stop(): void {
    const stopped = this.#pool.stop({ timeoutMs: this.#of([0, 10, 20]) });
    this.#stopped ??= stopped;
    if (stopped !== this.#stopped) this.#mistakes.push('a stop within a stop was another');
  }

  #receive(lease: Lease<Link>): void {
    let link: Link;
    try {
      link = lease.value;
    } catch (error) {
      // It was taken away again before its caller could hear of it.
      if (this.#stopped === undefined) this.#mistakes.push(String(error));
      return lease.release();
    }
    if (link.ends > 0) this.#mistakes.push('a connection was handed out that had been ended');
    if (link.isHeld) this.#mistakes.push('a connection was handed out that is held');
    link.isHeld = true;
    this.#held.push({ lease, link });
  }

  #check(): void {
    const stats = this.#pool.stats();
    const { open, idle, leased, busy, closing, acquired, pending } = stats;
    const counts = JSON.stringify(stats);
    assert.equal(open, idle + leased + busy + closing, counts);
    assert.ok(busy >= 0 && closing >= 0, counts);
    const destroyed = Object.values(stats.destroyed).reduce((sum, n) => sum + n, 0);
    assert.equal(stats.created, open + destroyed, counts);
    const { timedOut, aborted, refused } = stats;
    const came = this.#calls.length + this.#tries;
    assert.equal(acquired + timedOut + aborted + refused + pending, came, counts);
    assert.deepEqual(this.#mistakes, []);
  }

  #chance(share: number): boolean {
    return this.#random.next() < share;
  }

  #below(end: number): number {
    return Math.floor(this.#random.next() * end);
  }

  #of<V, const L extends readonly V[]>(values: L): L[number] {
    return values[this.#below(values.length)] as L[number];
  }
}
