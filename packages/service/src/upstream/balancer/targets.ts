import {
  CircuitOpenError,
  Emitter,
  NoTargetsError,
  type CircuitBreaker,
  type Clock,
  type Listener,
  type Random,
} from '@sluice/core';

import { Attempt, type AttemptHost } from './attempt.ts';
import { choose } from './choice.ts';
import { Ejections } from './ejections.ts';
import { Member } from './member.ts';
import {
  resolveTargetsOptions,
  type ResolvedTargetsOptions,
  type TargetsChanges,
  type TargetsOptions,
} from './options.ts';
import { ReadyMembers } from './ready-members.ts';
import { breakerFor, changesBetween } from './target-breakers.ts';
import { nameOf, type Target, type TargetAddress, type TargetStats } from './target.ts';

export interface TargetsEvents {
  added: { readonly target: Target };
  /** It gets no more requests; those under way to it go on. */
  removed: { readonly target: Target };
  /** `count`: which time it is, since the start. */
  ejected: { readonly target: Target; readonly forMs: number; readonly count: number };
  /** Its ejection is over. */
  returned: { readonly target: Target };
  healthy: { readonly target: Target };
  unhealthy: { readonly target: Target };
  /** Requests that may be under way at a time: more than before, or fewer. */
  capacity: { readonly capacity: number };
}

const NONE_TRIED: readonly Attempt[] = [];

/**
 * The targets of one upstream: which of them a request goes to, and what is known of each. Synchronous, told
 * the time; it opens no connection. By the power of two choices a request goes to the target that would
 * serve it soonest, of those that are not ejected, not unhealthy, whose breaker lets it in, and that have
 * fewer requests under way than `connections`.
 *
 * When health checks have found all of them unhealthy they are used all the same: that everything is down
 * is more often a mistake of the checks. Breakers are heeded even then.
 *
 * `take` is O(1) ordinarily and O(targets) when few of them can take a request. A timer only while a target
 * is ejected, which does not keep the process alive.
 */
export class Targets {
  readonly name: string;
  readonly #clock: Clock;
  readonly #random: Random;
  #options: ResolvedTargetsOptions;
  readonly #byName = new Map<string, Member>();
  #all: readonly Member[] = [];
  readonly #ready = new ReadyMembers();
  #usable = 0;
  readonly #events = new Emitter<TargetsEvents>();
  readonly #ejections: Ejections;
  readonly #attemptHost: AttemptHost;
  readonly #onBreakerChange = (): void => this.#tellCapacity();
  #toldCapacity = 0;
  /** Who waits for room. */
  readonly #waiting = new Set<() => boolean>();
  #isWaking = false;

  /** An address that is there twice is one target. */
  constructor(addresses: readonly TargetAddress[], options: TargetsOptions) {
    const { name, clock, random } = options;
    this.name = name;
    this.#clock = clock;
    this.#random = random;
    this.#options = resolveTargetsOptions(options);
    this.#ejections = this.#makeEjections();
    this.#attemptHost = { attemptEnded: (member, nowMs) => this.#attemptEnded(member, nowMs) };
    this.#replace(addresses, clock.nowMs());
    this.#toldCapacity = this.capacity;
  }

  /**
   * Chooses a target for a request, and counts the request as under way until the attempt is settled. Targets
   * of `tried` are taken only when there is no other. undefined: those that could be used have no room; ask
   * again when an attempt was settled, or at `capacity`.
   *
   * A refusal is returned, not thrown: CircuitOpenError when the breakers of all that could be used are
   * open, with the time until the first lets a probe in; NoTargetsError when there is no target.
   */
  take(
    nowMs: number,
    tried: readonly Attempt[] = NONE_TRIED,
  ): Attempt | CircuitOpenError | NoTargetsError | undefined {
    this.#ejections.advanceTo(nowMs);
    const { connections, slowStartMs } = this.#options;
    const pool = this.#usable > 0 ? this.#ready.members : this.#all;
    const member = choose(pool, { nowMs, tried, connections, slowStartMs }, this.#random);
    if (member === undefined) return this.#refusal(nowMs);
    const ticket = member.breaker?.enter(nowMs) ?? 0;
    if (ticket > 0) return this.#refusal(nowMs); // A listener of the breaker has closed it to all.
    const attempt = new Attempt(this.#attemptHost, member, nowMs, ticket);
    this.#refresh(member);
    return attempt;
  }

  /** Whether somebody waits for room: who comes now would overtake him. */
  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  /**
   * Calls `tryAgain` soon, and whenever `take` may answer otherwise than before, until it says true: that it
   * has taken, or waits no longer. First come, first called; while one is left that could not take, nobody
   * behind is called. Returns what ends the waiting.
   */
  whenRoom(tryAgain: () => boolean): () => void {
    this.#waiting.add(tryAgain);
    this.#wake();
    return () => {
      this.#waiting.delete(tryAgain);
      this.#wake();
    };
  }

  /**
   * Changes what is given, live. Targets whose address stays keep their state. New ones start slowly, unless
   * none stays. A breaker keeps its state unless breakers are switched off or on.
   * @throws InvalidOptionsError and changes nothing when an option of the breakers is wrong.
   */
  update(changes: TargetsChanges & { readonly addresses?: readonly TargetAddress[] }): void {
    const { addresses, ...options } = changes;
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    const next = resolveTargetsOptions({ ...this.#options, ...Object.fromEntries(given) });
    const nowMs = this.#clock.nowMs();
    if (options.breaker !== undefined) this.#changeBreakers(next.breaker);
    this.#options = next;
    const { gone, added } = this.#replace(addresses ?? this.#addresses, nowMs);
    for (const member of this.#all) this.#refresh(member);
    this.#ejections.fit(nowMs, next.ejection);
    for (const target of gone) this.#events.emit('removed', { target });
    for (const target of added) this.#events.emit('added', { target });
    this.#tellCapacity();
  }

  /** What health checks have found; undefined: they do not look at it any more. Of a target that is gone nothing is kept. */
  setHealth(target: Target, isHealthy: boolean | undefined): void {
    const member = this.#byName.get(target.name);
    if (member === undefined || member !== target) return;
    const before = member.health;
    const wasUsable = member.isUsable;
    member.health = isHealthy === undefined ? 'unknown' : isHealthy ? 'healthy' : 'unhealthy';
    if (member.health === before) return;
    const nowMs = this.#clock.nowMs();
    this.#countUsable(wasUsable, member);
    if (before === 'unhealthy') member.startSlowly(nowMs);
    this.#ejections.fit(nowMs, this.#options.ejection);
    if (isHealthy === false) this.#events.emit('unhealthy', { target: member });
    else if (before === 'unhealthy') this.#events.emit('healthy', { target: member });
    this.#tellCapacity();
  }

  get all(): readonly Target[] {
    return this.#all;
  }

  /**
   * Requests that may be under way at a time to the targets that are neither ejected nor unhealthy and whose
   * breakers let all in; to more of them where there is none of these. O(targets).
   */
  get capacity(): number {
    const pool = this.#all.filter(({ isUsable }) => this.#usable === 0 || isUsable);
    const open = pool.filter(({ isGuarded }) => !isGuarded);
    return this.#options.connections * (open.length > 0 ? open : pool).length;
  }

  /** Requests under way to the targets in the set. O(targets). */
  get inFlight(): number {
    return this.#all.reduce((sum, member) => sum + member.inFlight, 0);
  }

  stats(): readonly TargetStats[] {
    const nowMs = this.#clock.nowMs();
    this.#ejections.advanceTo(nowMs);
    return this.#all.map((member) => member.stats(nowMs, this.#options.slowStartMs));
  }

  on<K extends keyof TargetsEvents>(event: K, listener: Listener<TargetsEvents[K]>): () => void {
    return this.#events.on(event, listener);
  }

  /** Lets go of every timer. Attempts under way may be settled after it. */
  stop(): void {
    this.#ejections.stop();
    for (const { breaker } of this.#all) breaker?.stop();
  }

  #attemptEnded(member: Member, nowMs: number): void {
    this.#wake();
    if (!member.isPresent) return;
    this.#refresh(member);
    const { ejection } = this.#options;
    if (ejection !== false) this.#ejections.consider(member, nowMs, ejection);
  }

  #refusal(nowMs: number): CircuitOpenError | NoTargetsError | undefined {
    if (this.#all.length === 0) {
      return new NoTargetsError(this.name, `${this.name}: no target is known yet`);
    }
    let waitMs = Infinity;
    for (const member of this.#all) {
      if (this.#usable > 0 && !member.isUsable) continue;
      const itsMs = member.breaker?.peek(nowMs) ?? 0;
      if (itsMs === 0) return undefined;
      waitMs = Math.min(waitMs, itsMs);
    }
    const message = `${this.name}: the circuits of all its targets are open`;
    return new CircuitOpenError(this.name, message, waitMs);
  }

  get #addresses(): readonly TargetAddress[] {
    return this.#all.map(({ address }) => address);
  }

  /** Makes the set one of these addresses, and tells nobody. */
  #replace(
    addresses: readonly TargetAddress[],
    nowMs: number,
  ): { readonly gone: readonly Member[]; readonly added: readonly Member[] } {
    const wanted = new Map(addresses.map((each) => [nameOf(each), each]));
    const gone = this.#all.filter(({ name }) => !wanted.has(name));
    const isStart = gone.length === this.#all.length;
    for (const member of gone) this.#remove(member, nowMs);
    const added: Member[] = [];
    for (const [name, address] of wanted) {
      if (!this.#byName.has(name)) added.push(this.#add(address, isStart ? undefined : nowMs));
    }
    this.#all = [...wanted.keys()].map((name) => this.#byName.get(name)!);
    return { gone, added };
  }

  #add(address: TargetAddress, startsAtMs: number | undefined): Member {
    const member = new Member(address, this.#onBreakerChange);
    member.breaker = this.#breakerFor(member.name, this.#options.breaker);
    if (startsAtMs !== undefined) member.startSlowly(startsAtMs);
    this.#byName.set(member.name, member);
    this.#usable++;
    this.#refresh(member);
    return member;
  }

  #remove(member: Member, nowMs: number): void {
    if (member.isUsable) this.#usable--;
    member.isPresent = false;
    this.#byName.delete(member.name);
    this.#ready.set(member, false);
    this.#ejections.forget(member, nowMs);
    member.breaker?.stop();
  }

  #changeBreakers(next: ResolvedTargetsOptions['breaker']): void {
    const before = this.#options.breaker;
    // Finds what is wrong before anything is changed.
    this.#breakerFor('', next);
    for (const member of this.#all) {
      if (next === false || before === false || member.breaker === undefined) {
        member.breaker = this.#breakerFor(member.name, next);
      } else member.breaker.update(changesBetween(before, next));
    }
  }

  #breakerFor(
    target: string,
    options: ResolvedTargetsOptions['breaker'],
  ): CircuitBreaker | undefined {
    const source = { name: this.name, clock: this.#clock, random: this.#random };
    return breakerFor(target, options, source);
  }

  #makeEjections(): Ejections {
    return new Ejections({
      clock: this.#clock,
      size: () => this.#all.length,
      usable: () => this.#usable,
      ejected: (member, _nowMs, forMs) => this.#ejected(member, forMs),
      returned: (member, nowMs) => this.#returned(member, nowMs),
    });
  }

  #ejected(member: Member, forMs: number): void {
    this.#countUsable(member.health !== 'unhealthy', member);
    this.#events.emit('ejected', { target: member, forMs, count: member.row.ejections });
    this.#tellCapacity();
  }

  #returned(member: Member, nowMs: number): void {
    member.startSlowly(nowMs);
    this.#countUsable(false, member);
    this.#events.emit('returned', { target: member });
    this.#tellCapacity();
  }

  #countUsable(wasUsable: boolean, member: Member): void {
    if (member.isUsable !== wasUsable) this.#usable += wasUsable ? -1 : 1;
    this.#refresh(member);
  }

  /** Has it among those that may be chosen, or not. */
  #refresh(member: Member): void {
    this.#wake();
    this.#ready.set(member, member.isUsable && member.inFlight < this.#options.connections);
  }

  /** Not at once: whoever has ended is to be counted as gone. */
  #wake(): void {
    if (this.#waiting.size === 0 || this.#isWaking) return;
    this.#isWaking = true;
    queueMicrotask(() => {
      this.#isWaking = false;
      for (const tryAgain of this.#waiting) {
        if (!tryAgain()) return;
        this.#waiting.delete(tryAgain);
      }
    });
  }

  #tellCapacity(): void {
    const { capacity } = this;
    if (capacity === this.#toldCapacity) return;
    this.#toldCapacity = capacity;
    this.#events.emit('capacity', { capacity });
  }
}
