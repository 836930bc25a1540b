import type { Random } from '@sluice/core';

import type { Attempt } from './attempt.ts';
import type { Member } from './member.ts';

/** Draws for two that may be taken; after them all are looked at. */
const DRAWS = 8;

export interface Wanted {
  readonly nowMs: number;
  /** Attempts whose targets are only taken when there is no other. */
  readonly tried: readonly Attempt[];
  readonly connections: number;
  readonly slowStartMs: number;
}

/**
 * The power of two choices: of two that are drawn at random, the one that costs less. Nearly as even as the
 * least of all would be, and many balancers that decide alike do not all run to the same target.
 *
 * One that starts slowly is often passed over when it is drawn. When the draws do not find two, or there are
 * no more than two, all are looked at and the least is taken. O(1) ordinarily, O(n) then.
 * @see https://www.eecs.harvard.edu/~michaelm/postscripts/handbook2001.pdf
 */
export function choose(
  pool: readonly Member[],
  wanted: Wanted,
  random: Random,
): Member | undefined {
  if (pool.length > 2) {
    let first: Member | undefined;
    for (let draw = 0; draw < DRAWS; draw++) {
      const drawn = pool[Math.floor(random.next() * pool.length)];
      if (drawn === undefined || drawn === first || !mayBeTaken(drawn, wanted)) continue;
      if (wasTried(drawn, wanted) || !hasItsTurn(drawn, wanted, random)) continue;
      if (first !== undefined) return cheaper(first, drawn, wanted.nowMs);
      first = drawn;
    }
  }
  return leastOf(pool, wanted, random);
}

/** The least, of those that come first: not tried and not passed over, not tried, tried. */
function leastOf(pool: readonly Member[], wanted: Wanted, random: Random): Member | undefined {
  let best: Member | undefined;
  let passedOver: Member | undefined;
  let tried: Member | undefined;
  // Of equals the first is taken, so the first must not always be the same.
  const start = Math.floor(random.next() * pool.length);
  for (let i = 0; i < pool.length; i++) {
    const member = pool[(start + i) % pool.length];
    if (member === undefined || !mayBeTaken(member, wanted)) continue;
    if (wasTried(member, wanted)) tried = cheaper(tried, member, wanted.nowMs);
    else if (hasItsTurn(member, wanted, random)) best = cheaper(best, member, wanted.nowMs);
    else passedOver = cheaper(passedOver, member, wanted.nowMs);
  }
  return best ?? passedOver ?? tried;
}

function mayBeTaken(member: Member, { nowMs, connections }: Wanted): boolean {
  if (member.inFlight >= connections) return false;
  const { breaker } = member;
  if (breaker === undefined || breaker.peek(nowMs) === 0) return true;
  // It counts whom it refuses, and the turns of those that it lets in by and by.
  breaker.enter(nowMs);
  return false;
}

function wasTried(member: Member, { tried }: Wanted): boolean {
  for (const attempt of tried) if (attempt.target === member) return true;
  return false;
}

function hasItsTurn(member: Member, { nowMs, slowStartMs }: Wanted, random: Random): boolean {
  const weight = member.weight(nowMs, slowStartMs);
  if (weight === 1) return true;
  // Two are drawn for each request, and one that has little to do yet wins whenever it is.
  return random.next() < (weight * (1 + weight)) / 2;
}

function cheaper(one: Member | undefined, other: Member, nowMs: number): Member {
  if (one === undefined) return other;
  return other.load.cost(nowMs) < one.load.cost(nowMs) ? other : one;
}
