import type { Alarms } from '../collections/index.ts';
import type { Clock, Emitter, Random } from '../core/index.ts';
import type { ResolvedConnectionPoolOptions } from './options.ts';
import type { ConnectionPoolEvents, HookName } from './stats.ts';
import type { Tally } from './tally.ts';

/** What the parts of one pool share. */
export interface Setup<T> {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly alarms: Alarms;
  readonly events: Emitter<ConnectionPoolEvents>;
  readonly tally: Tally;
  /** Runs it in the async context in which the pool was made: a connection outlives the call that caused it. */
  readonly apart: <R>(run: () => R) => R;
  options: ResolvedConnectionPoolOptions<T>;
}

/** A hook of the user's went wrong: that stops neither the pool nor the process. */
export function hookFailed<T>(setup: Setup<T>, hook: HookName, error: unknown): void {
  setup.tally.count('hookFailures');
  setup.events.emit('hookFailed', { hook, error });
}
