import type { Clock } from '../core/index.ts';

/**
 * What the suite calls of a limiter. Every RateLimiter of `@sluice/core` has it; what can be left out, the
 * subject names in `without`.
 */
export interface ConformingLimiter {
  allow(n?: number): boolean;
  reserve?(n?: number): { readonly waitMs: number; cancel(): number };
  wait(
    n?: number,
    options?: {
      readonly signal?: AbortSignal;
      readonly maxWaitMs?: number;
      readonly priority?: number;
    },
  ): Promise<void>;
  retryAfterMs(n?: number): number;
  available(): number;
  peek(nowMs: number, n?: number): number;
  setRate?(ratePerSecond: number): void;
  setCapacity?(capacity: number): void;
  stats(): { readonly allowed: number; readonly rejected: number; readonly waiting: number };
  stop(): Promise<void>;
}

export interface ConformanceSettings {
  readonly clock: Clock;
  readonly ratePerSecond: number;
  readonly capacity: number;
}

/** What a limiter may lack. */
export type ConformanceVerb = 'reserve' | 'setRate' | 'setCapacity';

/** An implementation, and what it promises beyond what all of them do. */
export interface RateLimiterSubject {
  /** A new limiter that has its whole capacity. For a window: `capacity` in `capacity / ratePerSecond` seconds. */
  create(settings: ConformanceSettings): ConformingLimiter;
  /** In a window of t seconds it lets in at most so many capacities and `rate × t`. @default 1 */
  readonly mostCapacities?: number;
  /** It earns at its rate from the first moment on, one permit after the other. @default true */
  readonly steady?: boolean;
  /** It lets callers of `wait` and `reserve` leave one by one, however much is there. @default false */
  readonly spaced?: boolean;
  /** Verbs that it does not have: the cases that are about them are left out. @default none */
  readonly without?: readonly ConformanceVerb[];
}
