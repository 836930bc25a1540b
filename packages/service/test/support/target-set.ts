import { ManualClock, SeededRandom } from '@sluice/core/testing';

import {
  Targets,
  type Attempt,
  type TargetsEvents,
  type TargetsOptions,
} from '../../src/upstream/balancer/index.ts';

/** The addresses of targets that are called by their origins. */
export const at = (...origins: string[]): { origin: string }[] =>
  origins.map((origin) => ({ origin }));

/** Targets with two connections each, unless the options say otherwise. */
export function someTargets(
  origins: readonly string[],
  options: Partial<TargetsOptions> = {},
): {
  clock: ManualClock;
  targets: Targets;
} {
  const clock = new ManualClock();
  const random = new SeededRandom(7);
  const defaults = { name: 'stock', connections: 2, clock, random };
  return { clock, targets: new Targets(at(...origins), { ...defaults, ...options }) };
}

/** An attempt, or the test fails. */
export function taken(targets: Targets, nowMs: number, tried?: readonly Attempt[]): Attempt {
  const attempt = targets.take(nowMs, tried);
  if (attempt === undefined || attempt instanceof Error) {
    throw new Error(`no target was taken: ${String(attempt)}`);
  }
  return attempt;
}

/** Fails so many requests to a target: the others count as tried. */
export function fail(targets: Targets, name: string, times: number, nowMs = 0): void {
  const others: Attempt[] = [];
  for (let failed = 0; failed < times;) {
    const attempt = taken(targets, nowMs, others);
    const isIt = attempt.name === name;
    attempt.settle(nowMs, isIt ? 'failure' : 'ignored', isIt ? 1 : 0);
    if (isIt) failed++;
    else others.push(attempt);
  }
}

/** What happens to targets from now on, in words. */
export function eventsOf(targets: Targets): string[] {
  const told: string[] = [];
  const kinds = ['added', 'removed', 'ejected', 'returned', 'healthy', 'unhealthy'] as const;
  for (const kind of kinds) {
    targets.on(kind, (event: TargetsEvents[typeof kind]) =>
      told.push(`${kind} ${event.target.name}`),
    );
  }
  targets.on('capacity', ({ capacity }) => told.push(`capacity ${capacity}`));
  return told;
}
