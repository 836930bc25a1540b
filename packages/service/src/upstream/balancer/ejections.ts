import type { Clock } from '@sluice/core';

import type { Member } from './member.ts';
import type { ResolvedEjection } from './options.ts';

/** The set whose members are ejected. */
export interface EjectionHost {
  readonly clock: Clock;
  /** How many there are. */
  size(): number;
  /** How many of them may be used. */
  usable(): number;
  ejected(member: Member, nowMs: number, forMs: number): void;
  returned(member: Member, nowMs: number): void;
}

/**
 * Which members are ejected. At most `maxRatio` of all, though one may always be, and never one without
 * which none could be used. One timer while any is ejected, none otherwise.
 */
export class Ejections {
  readonly #host: EjectionHost;
  readonly #ejected = new Set<Member>();
  /** When the next one comes back. */
  #nextMs = Infinity;
  #cancelTimer: (() => void) | undefined;
  #isStopped = false;

  constructor(host: EjectionHost) {
    this.#host = host;
  }

  /** Ejects the member if it has failed often enough, and may be. */
  consider(member: Member, nowMs: number, options: ResolvedEjection): void {
    if (member.isEjected || member.row.failures < options.consecutiveFailures) return;
    if (this.#ejected.size >= mostOf(this.#host.size(), options)) return;
    if (this.#host.usable() - (member.isUsable ? 1 : 0) < 1) return;
    const forMs = member.row.eject(nowMs, options);
    this.#ejected.add(member);
    this.#setTimer(nowMs);
    this.#host.ejected(member, nowMs, forMs);
  }

  /** Lets those come back whose time is over. O(1) while there are none. */
  advanceTo(nowMs: number): void {
    while (nowMs >= this.#nextMs) this.#letFirstBack(nowMs);
  }

  /** Lets so many come back that the bounds hold again, those first whose time is over first. */
  fit(nowMs: number, options: ResolvedEjection | false): void {
    const most = options === false ? 0 : mostOf(this.#host.size(), options);
    while (this.#ejected.size > most) this.#letFirstBack(nowMs);
    while (this.#host.usable() === 0 && this.#hasHealthy()) this.#letFirstBack(nowMs);
  }

  /** The member has left the set. */
  forget(member: Member, nowMs: number): void {
    if (this.#ejected.delete(member)) this.#setTimer(nowMs);
  }

  /** Lets go of the timer. What is asked later is found by the time that is told. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #hasHealthy(): boolean {
    return [...this.#ejected].some(({ health }) => health !== 'unhealthy');
  }

  #letFirstBack(nowMs: number): void {
    let first: Member | undefined;
    for (const member of this.#ejected) {
      if (first === undefined || member.row.untilMs < first.row.untilMs) first = member;
    }
    if (first === undefined) return;
    this.#ejected.delete(first);
    first.row.comeBack(nowMs);
    this.#setTimer(nowMs);
    this.#host.returned(first, nowMs);
  }

  #setTimer(nowMs: number): void {
    const nextMs = Math.min(Infinity, ...[...this.#ejected].map(({ row }) => row.untilMs));
    if (nextMs === this.#nextMs) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#nextMs = nextMs;
    if (nextMs === Infinity || this.#isStopped) return;
    const { clock } = this.#host;
    const ring = (): void => this.advanceTo(Math.max(nextMs, clock.nowMs()));
    this.#cancelTimer = clock.schedule(nextMs - nowMs, ring, { keepAlive: false });
  }
}

function mostOf(size: number, { maxRatio }: ResolvedEjection): number {
  return Math.max(1, Math.floor(size * maxRatio + ROUNDING));
}

/** 0.29 of 100 is a little less than 29. */
const ROUNDING = 1e-9;
