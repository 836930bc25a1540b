import { threadId } from 'node:worker_threads';

/**
 * The jobs that every pool runs. Each but `where` answers with the value it was given, so that an
 * answer shows that the value has travelled, and can be the next one to send.
 */
export interface Jobs {
  noop(value: unknown): unknown;
  burn(steps: number): number;
  where(steps: number): number;
  hang(): never;
}

/** A job, or the one that moves bytes back instead of copying them, which each pool says in its own way. */
export type JobName = keyof Jobs | 'giveBack';

/** Does nothing. */
export const noop = <T>(value: T): T => value;

/** Keeps the core busy for so many steps: always the same work, however often the thread is interrupted. */
export function burn(steps: number): number {
  let state = 1;
  for (let i = 0; i < steps; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
  }
  // A xorshift generator never reaches 0, which the compiler cannot know.
  return state === 0 ? 0 : steps;
}

/** Keeps the core busy, and tells on which thread. */
export const where = (steps: number): number => (burn(steps) === steps ? threadId : -1);

/** Never ends by itself. */
export function hang(): never {
  for (;;) burn(1);
}
