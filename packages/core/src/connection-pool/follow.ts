import type { Alarms } from '../collections/index.ts';
import type { Clock } from '../core/index.ts';

export interface TimeLimit {
  readonly clock: Clock;
  readonly alarms: Alarms;
  readonly limitMs: number;
}

export interface Outcomes<R> {
  done(result: R): void;
  failed(error: unknown): void;
  overdue(): void;
}

/**
 * Tells exactly one outcome of `work`, or none once the returned function was called. What comes after that
 * is ignored, an error, too.
 */
export function follow<R>(
  work: PromiseLike<R>,
  { clock, alarms, limitMs }: TimeLimit,
  outcomes: Outcomes<R>,
): () => void {
  let isOver = false;
  const end = (): boolean => {
    if (isOver) return false;
    isOver = true;
    if (alarm) alarms.cancel(alarm);
    return true;
  };
  const alarm =
    limitMs === Infinity
      ? undefined
      : alarms.set(clock.nowMs() + limitMs, () => {
          if (end()) outcomes.overdue();
        });
  void Promise.resolve(work).then(
    (result) => {
      if (end()) outcomes.done(result);
    },
    (error: unknown) => {
      if (end()) outcomes.failed(error);
    },
  );
  return () => void end();
}
