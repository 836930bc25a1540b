import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import {
  ConnectionPool,
  type ConnectionPoolOptions,
  type DestroyReason,
  type Lease,
} from '../../src/connection-pool/index.ts';
import { ManualClock, SeededRandom } from '../../src/testing/index.ts';

/** How the other side, and the hooks that ask it, behave. */
export interface Manners {
  /** Whether dials, checks, resets and ends are done at once, or when the script says so. */
  readonly isSlow: boolean;
  /** Whether a dial that was given up comes to nothing; else its connection may still come. */
  readonly heedsSignal: boolean;
  readonly hasReset: boolean;
}

interface Link {
  readonly id: number;
  readonly madeMs: number;
  isAlive: boolean;
  isHeld: boolean;
  leases: number;
  ends: DestroyReason[];
  die: (reason?: unknown) => void;
}

/** Something that the script lets come true or fail. */
interface Pending {
  readonly succeed: () => void;
  readonly fail: () => void;
}

interface Call {
  readonly id: number;
  readonly priority: number;
  readonly controller: AbortController | undefined;
  outcomes: string[];
}

export type AcquirePlan = {
  readonly priority: number;
  readonly timeoutMs: number | undefined;
  readonly isAbortable: boolean;
};

/** A pool, a server and callers that keep all the rules but one: anything may happen at any time. */
export class ConnectionWorld {
  readonly clock = new ManualClock();
  readonly pool: ConnectionPool<Link>;
  readonly calls: Call[] = [];
  readonly links: Link[] = [];
  readonly held: { readonly lease: Lease<Link>; readonly link: Link }[] = [];
  readonly #manners: Manners;
  #pending: Pending[] = [];
  #isCalm = false;
  #tries = 0;
  /** Places that were taken when that was last looked at. */
  #taken = 0;
  readonly #mistakes: string[] = [];
  #max: number;
  #maxLifetimeMs: number;
  #maxUses: number;
  readonly #lastServed = new Map<number, number>();

  constructor(
    manners: Manners,
    limits: {
      readonly max: number;
      readonly maxLifetimeMs: number;
      readonly maxUses: number;
    } & Partial<ConnectionPoolOptions<Link>>,
  ) {
    this.#manners = manners;
    this.#max = limits.max;
    this.#maxLifetimeMs = limits.maxLifetimeMs;
    this.#maxUses = limits.maxUses;
    this.pool = new ConnectionPool<Link>({
      clock: this.clock,
      random: new SeededRandom(3),
      create: (signal) => this.#dial(signal),
      destroy: (link, reason) => this.#end(link, reason),
      watch: (link, died) => void (link.die = died),
      isOpen: (link) => link.isAlive,
      isHealthy: (link) => this.#ask(() => link.isAlive),
      ...(manners.hasReset ? { reset: (): unknown => this.#ask(() => true) } : {}),
      hookTimeoutMs: 15,
      createTimeoutMs: 25,
      retryBackoff: { type: 'exponential', baseMs: 5, maxMs: 40, jitter: 'equal' },
      validateAfterIdleMs: 6,
      keepAliveIntervalMs: 20,
      idleTimeoutMs: 30,
      ...limits,
    });
  }

  acquire({ priority, timeoutMs, isAbortable }: AcquirePlan): void {
    const id = this.calls.length;
    const controller = isAbortable ? new AbortController() : undefined;
    const call: Call = { id, priority, controller, outcomes: [] };
    this.calls.push(call);
    this.pool
      .acquire({ priority, timeoutMs: timeoutMs ?? Infinity, signal: controller?.signal })
      .then(
        (lease) => {
          call.outcomes.push('lease');
          const before = this.#lastServed.get(priority) ?? -1;
          if (before > id) this.#mistakes.push(`call ${id} was served after ${before}`);
          this.#lastServed.set(priority, id);
          this.#receive(lease);
        },
        (error: unknown) => call.outcomes.push((error as Error).name),
      );
  }

  tryAcquire(): void {
    this.#tries++;
    const lease = this.pool.tryAcquire();
    if (lease !== undefined) this.#receive(lease);
  }

  giveBack(n: number, isFit: boolean): void {
    const [taken] = this.held.splice(n % Math.max(1, this.held.length), 1);
    if (taken === undefined) return;
    const { lease, link } = taken;
    link.isHeld = false;
    if (isFit) lease.release();
    else lease.destroy(new Error('unfit'));
  }

  abort(n: number): void {
    this.calls[n % Math.max(1, this.calls.length)]?.controller?.abort(new Error('gone'));
  }

  /** A connection dies; with or without a word. */
  kill(n: number, isTold: boolean): void {
    const link = this.links[n % Math.max(1, this.links.length)];
    if (link === undefined) return;
    link.isAlive = false;
    if (isTold) link.die(new Error('reset'));
  }

  settle(n: number, isGood: boolean): void {
    const [pending] = this.#pending.splice(n % Math.max(1, this.#pending.length), 1);
    if (isGood) pending?.succeed();
    else pending?.fail();
  }

  update(changes: {
    readonly max?: number;
    readonly min?: number;
    readonly maxUses?: number;
  }): void {
    const max = changes.max ?? this.#max;
    const min = Math.min(changes.min ?? this.pool.stats().min, max);
    this.#max = max;
    this.#maxUses = Math.max(this.#maxUses, changes.maxUses ?? 1);
    this.pool.update({ ...changes, max, min });
  }

  /** From now on the other side is well, and everybody gives back what he holds: all who wait are served. */
  async calmDown(): Promise<void> {
    this.#isCalm = true;
    for (let round = 0; round < this.calls.length + 20; round++) {
      while (this.#pending.length > 0) this.settle(0, true);
      while (this.held.length > 0) this.giveBack(0, true);
      await this.clock.run(15);
      this.check();
    }
    assert.equal(this.pool.stats().pending, 0);
  }

  async stop(timeoutMs: number): Promise<void> {
    let isStopped = false;
    const stopped = this.pool.stop({ timeoutMs }).then(() => (isStopped = true));
    this.#isCalm = true;
    await this.clock.run(timeoutMs + 100);
    assert.ok(isStopped);
    await stopped;
    // What comes late is ended, too.
    while (this.#pending.length > 0) this.settle(0, true);
    await this.clock.run(100);
    for (const { lease } of this.held) {
      assert.throws(() => lease.value, /has stopped/);
      lease.release();
    }
    this.check();
    assert.equal(this.clock.pending, 0);
    for (const { controller } of this.calls) {
      if (controller) assert.deepEqual(getEventListeners(controller.signal, 'abort'), []);
    }
    assert.deepEqual(
      this.calls.filter(({ outcomes }) => outcomes.length !== 1),
      [],
    );
    assert.deepEqual(
      this.links.filter(({ ends }) => ends.length !== 1),
      [],
    );
    const { open, creating, pending, busy } = this.pool.stats();
    assert.deepEqual(
      { open, creating, pending, busy },
      { open: 0, creating: 0, pending: 0, busy: 0 },
    );
  }

  /** What holds at any time. */
  check(): void {
    const stats = this.pool.stats();
    const { open, idle, leased, busy, closing, creating, acquired, pending } = stats;
    const counts = JSON.stringify(stats);
    assert.equal(open, idle + leased + busy + closing, counts);
    const destroyed = Object.values(stats.destroyed).reduce((sum, n) => sum + n, 0);
    assert.equal(stats.created, open + destroyed, counts);
    const { timedOut, aborted, refused } = stats;
    const came = this.calls.length + this.#tries;
    assert.equal(acquired + timedOut + aborted + refused + pending, came, counts);
    const taken = open + creating;
    // Above a max that was lowered they only become fewer.
    assert.ok(taken <= Math.max(this.#max, this.#taken), counts);
    this.#taken = taken;
    assert.deepEqual(this.#mistakes, []);
  }

  #receive(lease: Lease<Link>): void {
    const link = lease.value;
    const { isAlive, ends, leases, madeMs } = link;
    const wrong = (is: boolean, what: string): void => {
      if (is) this.#mistakes.push(`connection ${link.id} was handed out: ${what}`);
    };
    wrong(link.isHeld, 'it is held already');
    wrong(!isAlive || ends.length > 0, 'it is dead');
    wrong(leases >= this.#maxUses, `it was used ${leases} times`);
    wrong(this.clock.nowMs() - madeMs >= this.#maxLifetimeMs, 'it is too old');
    link.isHeld = true;
    link.leases++;
    this.held.push({ lease, link });
  }

  #dial(signal: AbortSignal): Promise<Link> | Link {
    if (!this.#isSlow) return this.#make();
    return new Promise((resolve, reject) => {
      if (this.#manners.heedsSignal)
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      this.#pending.push({
        succeed: () => {
          if (!this.#manners.heedsSignal || !signal.aborted) resolve(this.#make());
        },
        fail: () => reject(new Error('refused')),
      });
    });
  }

  #make(): Link {
    const link: Link = {
      id: this.links.length,
      madeMs: this.clock.nowMs(),
      isAlive: true,
      isHeld: false,
      leases: 0,
      ends: [],
      die: () => undefined,
    };
    this.links.push(link);
    return link;
  }

  #end(link: Link, reason: DestroyReason): unknown {
    link.isAlive = false;
    link.ends.push(reason);
    return this.#ask(() => true);
  }

  #ask(answer: () => boolean): Promise<boolean> | boolean {
    if (!this.#isSlow) return answer();
    return new Promise((resolve, reject) => {
      this.#pending.push({
        succeed: () => resolve(answer()),
        fail: () => reject(new Error('no answer')),
      });
    });
  }

  get #isSlow(): boolean {
    return this.#manners.isSlow && !this.#isCalm;
  }
}
